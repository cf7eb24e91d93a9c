package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits are what one node may use of its host. They protect the host's other users from a plugin that uses
// everything.
type Limits struct {
	MemoryBytes int64
	Processes   int64
}

// set writes the limits for which this hierarchy has a file. What a host does not count, it does not limit.
func (g Group) set(limits Limits) error {
	memory, processes := strconv.FormatInt(limits.MemoryBytes, 10), strconv.FormatInt(limits.Processes, 10)
	for _, one := range []struct{ file, value string }{
		{"memory.limit_in_bytes", memory}, {"memory.memsw.limit_in_bytes", memory},
		{"memory.max", memory}, {"memory.swap.max", "0"},
		{"pids.max", processes},
	} {
		err := os.WriteFile(filepath.Join(g.Dir, one.file), []byte(one.value), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
			return fmt.Errorf("could not write %s to %s of %s: %w", one.value, one.file, g.Dir, err)
		}
	}
	return nil
}

// LimitHit returns, inside the node, which limit of its own cgroup the node has reached. Then a failure says nothing
// about the system under test. The limit of a pod is not included.
func LimitHit() error {
	return limitHit(inNode, "/", "/run", "/dev/shm")
}

// charge is more than the kernel charges at once, so that a peak may be this far below the limit.
const charge = 1 << 20

func limitHit(root string, disks ...string) error {
	read := func(parts ...string) (int64, bool) {
		text, err := os.ReadFile(filepath.Join(append([]string{root}, parts...)...))
		if err != nil {
			return 0, false
		}
		value, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		return value, err == nil
	}
	var hit []error
	// v1 counts a killed process in its own cgroup; v2 counts what this limit has caused
	limit, limited := read("memory", "memory.limit_in_bytes")
	peak, _ := read("memory", "memory.max_usage_in_bytes")
	if limited && peak >= limit-charge && eventsBelow(root+"/memory", "memory.oom_control", "oom_kill") > 0 {
		hit = append(hit, memoryHit(limit))
	}
	if limit, ok := read("memory.max"); ok && eventsIn(root+"/memory.events.local", "oom") > 0 {
		hit = append(hit, memoryHit(limit))
	}
	for _, folder := range []string{"pids", "."} {
		limit, ok := read(folder, "pids.max")
		if !ok { // "max", or not counted here
			continue
		}
		// a refused fork is counted in the cgroup of the process that forked
		peak, known := read(folder, "pids.peak")
		if (!known || peak >= limit) && eventsBelow(filepath.Join(root, folder), "pids.events", "max") > 0 {
			hit = append(hit, fmt.Errorf("the node reached its limit of %d processes", limit))
		}
	}
	for _, disk := range disks {
		var stat unix.Statfs_t
		if err := unix.Statfs(disk, &stat); err == nil && stat.Blocks > 0 && stat.Bavail == 0 {
			hit = append(hit, fmt.Errorf("%s on the node is full, with its limit of %d MiB", disk, int64(stat.Blocks)*stat.Bsize>>20))
		}
	}
	if len(hit) == 0 {
		return nil
	}
	return fmt.Errorf("%w; `node: { limits: … }` sets it", errors.Join(hit...))
}

func memoryHit(limit int64) error {
	return fmt.Errorf("the node reached its limit of %d MiB of memory, and the kernel killed a process", limit>>20)
}

func eventsBelow(root, file, event string) int64 {
	var sum int64
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			sum += eventsIn(filepath.Join(path, file), event)
		}
		return nil // a cgroup may be removed during the search
	})
	return sum
}

func eventsIn(path, event string) int64 {
	text, _ := os.ReadFile(path)
	for _, line := range strings.Split(string(text), "\n") {
		if count, found := strings.CutPrefix(line, event+" "); found {
			value, _ := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
			return value
		}
	}
	return 0
}
