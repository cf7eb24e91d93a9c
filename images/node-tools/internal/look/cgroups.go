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
// same path in several of them is one. Where somebody is, the process is told of. Of an empty group those below it are not
// told. The group in which containerd puts the groups of all its containers stays.
func cgroups() ([]Item, error) {
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
	empty := map[string]bool{}
	for _, root := range roots {
		if _, err := emptyGroups(root, "", empty); err != nil {
			return nil, err
		}
	}
	var items []Item
	for _, path := range keys(empty) {
		items = append(items, Item{Kind: "cgroup", Name: path})
	}
	return items, nil
}

// containersGroup is the parent of the groups of all containers, by CRI's default.
const containersGroup = "/k8s.io"

// emptyGroups adds the empty groups below a path, and tells whether somebody is there or below it.
func emptyGroups(root, path string, empty map[string]bool) (busy bool, err error) {
	found, err := os.ReadDir(root + path)
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
		some, err := emptyGroups(root, path+"/"+entry.Name(), below)
		if err != nil {
			return false, err
		}
		busy = busy || some
	}
	if !busy {
		procs, err := readWhole(root + path + "/cgroup.procs")
		if err != nil && !gone(err) && !errors.Is(err, syscall.EOPNOTSUPP) { // of threads alone, which a process has
			return false, err
		}
		busy = strings.TrimSpace(procs) != "" || errors.Is(err, syscall.EOPNOTSUPP)
	}
	if path == "" || path == containersGroup || busy {
		for one := range below {
			empty[one] = true
		}
	} else {
		empty[path] = true
	}
	return busy, nil
}

// gone: a group that is just being removed answers so.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) }
