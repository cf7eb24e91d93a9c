package launcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cnilab/node-tools/internal/cgroup"
)

// Record is a file that exists from before the node is made until nothing of it is left. With it, a later lab can
// distinguish a running node from what a kill -9 left behind. Process ids are reused, so the start time counts too.
// lab/nodes/backends/node-records.ts reads it.
type Record struct {
	Name               string   `json:"name"`
	LauncherPid        int      `json:"launcherPid"`
	LauncherStartTicks uint64   `json:"launcherStartTicks"`
	InitPid            int      `json:"initPid"` // 0 until the node has a process
	Kept               bool     `json:"kept"`
	Agent              string   `json:"agent"` // this program, for `agent enter`
	Cgroups            []string `json:"cgroups"`
	Folder             string   `json:"folder,omitempty"` // the node's own folder, removed with it; a bare node has none
}

func recordPath(stateDir, name string) string { return filepath.Join(stateDir, name+".json") }

// newRecord claims the name. It first removes what a dead launcher of the same name left behind.
func newRecord(stateDir, name string, groups []cgroup.Group, folder string) (Record, error) {
	self, err := os.Executable()
	if err != nil {
		return Record{}, err
	}
	start, err := startTicks(os.Getpid())
	if err != nil {
		return Record{}, err
	}
	record := Record{
		Name: name, LauncherPid: os.Getpid(), LauncherStartTicks: start,
		Agent: self, Cgroups: []string{}, Folder: folder,
	}
	for _, group := range groups {
		record.Cgroups = append(record.Cgroups, group.Dir)
	}
	temporary, err := record.write(stateDir)
	if err != nil {
		return Record{}, err
	}
	defer os.Remove(temporary)
	// unlike a rename, a link fails if the name is taken
	err = os.Link(temporary, recordPath(stateDir, name))
	if errors.Is(err, os.ErrExist) {
		if err := removeDead(stateDir, name); err != nil {
			return Record{}, err
		}
		err = os.Link(temporary, recordPath(stateDir, name))
	}
	return record, err
}

func removeDead(stateDir, name string) error {
	text, err := os.ReadFile(recordPath(stateDir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var old Record
	if err == nil {
		err = json.Unmarshal(text, &old)
	}
	if err != nil {
		return err
	}
	if start, err := startTicks(old.LauncherPid); err == nil && start == old.LauncherStartTicks {
		return fmt.Errorf("a node named %s is up already (its launcher is process %d)", name, old.LauncherPid)
	}
	if err := errors.Join(cgroup.Remove(old.Cgroups, time.Second), removeFolder(old.Folder)); err != nil {
		return err
	}
	return os.Remove(recordPath(stateDir, name))
}

// replace replaces the record atomically.
func (r Record) replace(stateDir string) error {
	temporary, err := r.write(stateDir)
	if err != nil {
		return err
	}
	return os.Rename(temporary, recordPath(stateDir, r.Name))
}

// write makes a file whose name contains this process's pid, so that a sweep can tell that nobody will finish it.
func (r Record) write(stateDir string) (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	path := fmt.Sprintf("%s.%d", recordPath(stateDir, r.Name), r.LauncherPid)
	return path, os.WriteFile(path, append(text, '\n'), 0o644)
}

// startTicks returns the 22nd field of /proc/PID/stat. Together with the pid it identifies a process until the
// machine reboots. A zombie counts as gone.
func startTicks(pid int) (uint64, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return 0, fmt.Errorf("process %d has ended", pid)
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

func removeFolder(folder string) error {
	if folder == "" {
		return nil
	}
	return os.RemoveAll(folder)
}
