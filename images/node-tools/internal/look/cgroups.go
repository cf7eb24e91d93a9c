package look

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

const cgroupRoot = "/sys/fs/cgroup"

// cgroups returns the cgroups with no process in them or below them, from all hierarchies of the node. The same path
// in several hierarchies is one item. A cgroup with processes is not listed, because its processes are. Groups below
// an empty one are not listed either, nor is the parent cgroup that the runtime uses for all pods, nor that of a service of
// systemd, which removes it a moment after the service has ended.
func cgroups(ofPods string) ([]Item, error) {
	hierarchies, err := entries(cgroupRoot)
	if err != nil {
		return nil, err
	}
	roots := []string{cgroupRoot}
	if _, err := os.Stat(cgroupRoot + "/cgroup.controllers"); errors.Is(err, os.ErrNotExist) {
		roots = nil
		for _, one := range hierarchies {
			if one.IsDir() {
				roots = append(roots, cgroupRoot+"/"+one.Name())
			}
		}
	}
	empty, busy := map[string]bool{}, map[string]bool{}
	for _, root := range roots {
		if _, err := (hierarchy{root, ofPods, busy}).emptyGroups("", empty); err != nil {
			return nil, err
		}
	}
	var items []Item
	for _, path := range keys(empty) {
		items = append(items, Item{Kind: "cgroup", Name: path})
	}
	return items, nil
}

// hierarchy is a cgroup hierarchy. A path that is busy in another one is not searched again: a node has about a dozen
// hierarchies.
type hierarchy struct {
	root string
	// ofPods is the parent cgroup of all pods
	ofPods string
	busy   map[string]bool
}

// emptyGroups adds the empty groups at and below a path, and returns whether any process is there.
func (h hierarchy) emptyGroups(path string, empty map[string]bool) (busy bool, err error) {
	if h.busy[path] {
		return true, nil
	}
	found, err := os.ReadDir(h.root + path)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	below := map[string]bool{}
	for _, entry := range found {
		if !entry.IsDir() {
			continue
		}
		some, err := h.emptyGroups(path+"/"+entry.Name(), below)
		if err != nil {
			return false, err
		}
		busy = busy || some
	}
	if path == "" || path == h.ofPods {
		for one := range below {
			empty[one] = true
		}
		return busy, nil
	}
	if !busy {
		procs, err := readWhole(h.root + path + "/cgroup.procs")
		threads := errors.Is(err, syscall.EOPNOTSUPP) // a threaded cgroup, whose process is in a parent
		if err != nil && !gone(err) && !threads {
			return false, err
		}
		busy = threads || strings.TrimSpace(procs) != "" || isService(path)
	}
	if !busy {
		empty[path] = true
		return false, nil
	}
	h.busy[path] = true
	for one := range below {
		empty[one] = true
	}
	return true, nil
}

// isService reports whether systemd made the group for a service, and not a runtime for a pod (.scope, .slice).
func isService(path string) bool { return strings.HasSuffix(path, ".service") }

// gone reports whether an error means that a cgroup is just being removed.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) }
