package look

import (
	"strconv"
	"strings"

	"cnilab/node-tools/internal/cri"
)

// pods returns what CRI lists. Without an answer nothing is known: pods outlive their runtime.
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
		items = append(items, Item{Kind: "container", Name: container.ID, Detail: map[string]string{
			"state": container.State, "name": container.Name, "sandbox": container.SandboxID,
		}})
	}
	return items, nil
}
