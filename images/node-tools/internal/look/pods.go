package look

import (
	"io"
	"strconv"
	"strings"

	"cnilab/node-tools/internal/cri"
)

// pods returns what CRI lists. No answer is an error and not an empty list: pods outlive their runtime.
func pods(runtime *cri.Runtime) ([]Item, error) {
	sandboxes, containers, err := runtime.List()
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, sandbox := range sandboxes {
		detail := map[string]string{
			"state": sandbox.State, "podName": sandbox.PodName, "podNamespace": sandbox.PodNamespace, "podUid": sandbox.PodUID,
			"attempt": strconv.FormatUint(uint64(sandbox.Attempt), 10), "ips": strings.Join(sandbox.IPs, ","),
			"createdAt": strconv.FormatInt(sandbox.CreatedAt, 10),
		}
		if sandbox.NetnsPath != "" {
			detail["netns"] = sandbox.NetnsPath
		}
		items = append(items, Item{Kind: "sandbox", Name: sandbox.ID, Detail: detail})
	}
	for _, container := range containers {
		detail := map[string]string{
			"state": container.State, "name": container.Name, "sandbox": container.SandboxID,
			"attempt":   strconv.FormatUint(uint64(container.Attempt), 10),
			"createdAt": strconv.FormatInt(container.CreatedAt, 10),
		}
		if container.State == "exited" {
			detail["exitCode"] = strconv.FormatInt(int64(container.ExitCode), 10)
			detail["reason"], detail["message"] = container.Reason, container.Message
		}
		items = append(items, Item{Kind: "container", Name: container.ID, Detail: detail, Log: lastLines(container.LogPath)})
	}
	return items, nil
}

const (
	logLines = 5
	logBytes = 4096
)

// lastLines returns the last lines of a container's log. There are none if the log cannot be read, because nothing
// was written yet.
func lastLines(path string) []string {
	file, err := openRegular(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if size, err := file.Seek(0, io.SeekEnd); err != nil || size > logBytes {
		_, err = file.Seek(-logBytes, io.SeekEnd)
		if err != nil {
			return nil
		}
	} else if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(file, logBytes))
	if err != nil {
		return nil
	}
	lines := strings.Split(strings.Trim(string(text), "\n"), "\n")
	if len(lines) > logLines {
		lines = lines[len(lines)-logLines:]
	}
	if lines[0] == "" {
		return nil
	}
	return lines
}
