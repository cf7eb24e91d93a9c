package look

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

const cgroupRoot = "/sys/fs/cgroup"

// cgroups returns the groups that nobody is in, nor in any below them, of whichever hierarchies the node has: one of the
// same path in several of them is one. Where a group has processes, the process is listed. Of an empty group those below it are not
// listed. The group in which the runtime puts those of all its pods stays.
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

// hierarchy of groups. A path that is busy in another one already is not gone into again: there are a dozen of them.
type hierarchy struct {
	root string
	// ofPods is the parent of the groups of all pods
	ofPods string
	busy   map[string]bool
}

// emptyGroups adds the empty groups below a path, and returns whether somebody is there or below it.
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
		threads := errors.Is(err, syscall.EOPNOTSUPP) // a group of threads, whose process is above it
		if err != nil && !gone(err) && !threads {
			return false, err
		}
		busy = threads || strings.TrimSpace(procs) != ""
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

// gone: a group that is just being removed answers so.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) }
