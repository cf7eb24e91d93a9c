package look

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

type process struct {
	pid, parent int
	command     []string
}

// processes returns all but the lab's own and containerd. A process that has ended and waits for its parent to hear of it
// is not one any more.
func processes(own Own) ([]Item, error) {
	alone, withDescendants := own()
	found, err := readProcesses()
	if err != nil {
		return nil, err
	}
	parents := map[int]int{}
	for _, one := range found {
		parents[one.pid] = one.parent
	}
	var items []Item
	for _, one := range found {
		if one.pid == 1 || alone[one.pid] || descends(one.pid, parents, withDescendants) || isContainerd(one) {
			continue
		}
		items = append(items, processItem(one))
	}
	return items, nil
}

func descends(pid int, parents map[int]int, from map[int]bool) bool {
	for ; pid > 1; pid = parents[pid] {
		if from[pid] {
			return true
		}
	}
	return false
}

func isContainerd(one process) bool { return filepath.Base(one.command[0]) == "containerd" }

func processItem(one process) Item {
	detail := map[string]string{"pid": strconv.Itoa(one.pid)}
	program := filepath.Base(one.command[0])
	if !strings.HasPrefix(program, "containerd-shim") {
		return Item{Kind: "process", Name: strings.Join(one.command, " "), Detail: detail}
	}
	name := program
	for i, argument := range one.command[:len(one.command)-1] {
		if argument == "-id" {
			detail["id"] = one.command[i+1]
			name += " -id " + one.command[i+1]
		}
	}
	return Item{Kind: "shim", Name: name, Detail: detail}
}

// readProcesses leaves out what has no command line: kernel threads and ended processes.
func readProcesses() ([]process, error) {
	folders, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []process
	for _, folder := range folders {
		pid, err := strconv.Atoi(folder.Name())
		if err != nil {
			continue
		}
		command, err := os.ReadFile("/proc/" + folder.Name() + "/cmdline")
		if err != nil || len(command) == 0 {
			if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
				return nil, err
			}
			continue
		}
		stat, err := os.ReadFile("/proc/" + folder.Name() + "/stat")
		if err != nil {
			continue // ended between the two
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		parent, _ := strconv.Atoi(fields[1])
		found = append(found, process{pid, parent, strings.Split(strings.TrimRight(string(command), "\x00"), "\x00")})
	}
	return found, nil
}
