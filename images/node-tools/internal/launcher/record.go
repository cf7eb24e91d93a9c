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

// Record is the file that stands for a node from before it is made until nothing of it is left. With it, a later lab
// distinguishes a node that runs from what a kill -9 left behind: process ids are used again, so the start time counts too.
// lab/nodes/backends/node-records.ts reads it.
type Record struct {
	Name               string   `json:"name"`
	LauncherPid        int      `json:"launcherPid"`
	LauncherStartTicks uint64   `json:"launcherStartTicks"`
	InitPid            int      `json:"initPid"` // 0 until the node has a process
	Kept               bool     `json:"kept"`
	Agent              string   `json:"agent"` // this program, for `agent enter`
	Cgroups            []string `json:"cgroups"`
	Folder             string   `json:"folder,omitempty"` // the node's own, removed with it; a bare node has none
}

func recordPath(stateDir, name string) string { return filepath.Join(stateDir, name+".json") }

// newRecord claims the name. What a dead launcher of the same name left is removed first.
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
	// a link, unlike a rename, fails when somebody else has the name
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

// replace puts the record in place of the one before, whole or not at all.
func (r Record) replace(stateDir string) error {
	temporary, err := r.write(stateDir)
	if err != nil {
		return err
	}
	return os.Rename(temporary, recordPath(stateDir, r.Name))
}

// write makes a file whose name carries this process, so that a sweep knows when nobody will finish it.
func (r Record) write(stateDir string) (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	path := fmt.Sprintf("%s.%d", recordPath(stateDir, r.Name), r.LauncherPid)
	return path, os.WriteFile(path, append(text, '\n'), 0o644)
}

// startTicks is the 22nd field of /proc/PID/stat: with the pid it names one process for as long as the machine is up.
// One that has ended and that its parent has not noticed yet is gone.
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
