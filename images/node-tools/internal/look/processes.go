package look

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cnilab/node-tools/internal/cri"
)

type process struct {
	pid, parent int
	command     []string
	// started is the time of its start, which distinguishes processes with the same pid
	started string
}

// newProcesses returns all processes except those of the start, the lab's own and the runtime. A zombie, which has ended
// and waits for its parent, does not count.
func (l *Looker) newProcesses() ([]Item, error) {
	traits := l.runtime.Traits()
	alone, withDescendants := l.own()
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
		if one.pid == 1 || l.processes[one.pid] == one.started || one.command[0] == standIn || alone[one.pid] || descends(one.pid, parents, withDescendants) || slices.Contains(traits.Daemons, filepath.Base(one.command[0])) {
			continue
		}
		item := processItem(one, traits.Monitors)
		if id := containerOf(one.pid); id != "" && item.Kind == "process" {
			item.Detail["id"] = id
		}
		items = append(items, item)
	}
	return items, nil
}

// standIn is the program that runs beside each recorded plugin. It is not listed, the plugin itself is.
const standIn = "/lab/bin/cni-recorder"

func descends(pid int, parents map[int]int, from map[int]bool) bool {
	for ; pid > 1; pid = parents[pid] {
		if from[pid] {
			return true
		}
	}
	return false
}

var containerID = regexp.MustCompile(`[0-9a-f]{64}`)

// containerOf returns the container or sandbox whose cgroup a process is in. It may be empty, which is not an error.
func containerOf(pid int) string {
	groups, err := readWhole("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ""
	}
	return containerID.FindString(groups)
}

func processItem(one process, monitors []cri.Monitor) Item {
	detail := map[string]string{"pid": strconv.Itoa(one.pid)}
	program := filepath.Base(one.command[0])
	for _, monitor := range monitors {
		if !strings.HasPrefix(program, monitor.Prefix) {
			continue
		}
		name := program
		for i, argument := range one.command[:len(one.command)-1] {
			if argument == monitor.IDFlag {
				detail["id"] = one.command[i+1]
				name += " " + argument + " " + one.command[i+1]
			}
		}
		return Item{Kind: "shim", Name: name, Detail: detail}
	}
	return Item{Kind: "process", Name: strings.Join(one.command, " "), Detail: detail}
}

// readProcesses leaves out zombies, and kernel threads, which are visible in a machine's own pid namespace.
func readProcesses() ([]process, error) {
	pids, err := readPids()
	if err != nil {
		return nil, err
	}
	var found []process
	for _, pid := range pids {
		one, err := readProcess(pid)
		if err != nil {
			return nil, err
		}
		if one != nil {
			found = append(found, *one)
		}
	}
	return found, nil
}

func readPids() ([]int, error) {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	sort.Ints(pids)
	return pids, nil
}

// becoming is how long a process may have no command line. A process has none for a moment while it becomes another
// program. A container's first process does so just when its start is reported.
const becoming = 500 * time.Millisecond

// kernelThread is PF_KTHREAD of include/linux/sched.h. Such a thread never has a command line.
const kernelThread = 0x00200000

// readProcess returns nil for a process that has ended and for a kernel thread.
func readProcess(pid int) (*process, error) {
	for deadline := time.Now().Add(becoming); ; time.Sleep(time.Millisecond) {
		one, ended, err := readOnce("/proc/" + strconv.Itoa(pid))
		switch {
		case ended || errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH):
			return nil, nil
		case err != nil:
			return nil, err
		case one.command[0] != "":
			one.pid = pid
			return &one, nil
		case time.Now().After(deadline):
			return nil, nil
		}
	}
}

func readOnce(folder string) (one process, ended bool, err error) {
	command, err := readWhole(folder + "/cmdline")
	if err != nil {
		return one, false, err
	}
	stat, err := readWhole(folder + "/stat")
	if err != nil {
		return one, false, err
	}
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	one.parent, err = strconv.Atoi(fields[1])
	one.command = strings.Split(strings.TrimRight(command, "\x00"), "\x00")
	one.started = fields[19]
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return one, fields[0] == "Z" || fields[0] == "X" || flags&kernelThread != 0, err
}
