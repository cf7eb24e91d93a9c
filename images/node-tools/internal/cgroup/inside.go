package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const inNode = "/sys/fs/cgroup"

// leaf is the cgroup of the node's own processes on a pure v2 host: its root must be empty to enable controllers
// below it.
const leaf = "agent"

// Layout is the arrangement of the hierarchies below /sys/fs/cgroup on this host, with links such as cpu ->
// cpu,cpuacct.
type Layout struct {
	hierarchies []Hierarchy
	links       map[string]string
}

// ReadLayout reads the host's layout. Call it while the host's /proc and /sys are still visible.
func ReadLayout() (Layout, error) {
	layout := Layout{links: map[string]string{}}
	hierarchies, err := Mounted()
	if err != nil {
		return layout, err
	}
	for _, hierarchy := range hierarchies {
		if hierarchy.Mount == inNode || strings.HasPrefix(hierarchy.Mount, inNode+"/") {
			layout.hierarchies = append(layout.hierarchies, hierarchy)
		}
	}
	entries, err := os.ReadDir(inNode)
	if err != nil {
		return layout, nil // a host without cgroups
	}
	for _, entry := range entries {
		if entry.Type()&os.ModeSymlink != 0 {
			if target, err := os.Readlink(filepath.Join(inNode, entry.Name())); err == nil {
				layout.links[entry.Name()] = target
			}
		}
	}
	return layout, nil
}

// pureV2 reports whether the unified hierarchy is the only one.
func (l Layout) pureV2() bool {
	return len(l.hierarchies) > 0 && l.hierarchies[0].pureV2()
}

// mountFlags are those of all mounts below /sys/fs/cgroup.
const mountFlags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// Mount mounts the hierarchies again, so that the root that runc and kubelet see is the node's own cgroup.
func (l Layout) Mount() error {
	if l.pureV2() {
		if err := unix.Mount("cgroup2", inNode, "cgroup2", mountFlags, ""); err != nil {
			return fmt.Errorf("could not mount cgroup2 on %s: %w", inNode, err)
		}
		return l.moveToLeaf()
	}
	if err := unix.Mount("tmpfs", inNode, "tmpfs", mountFlags, "mode=0755"); err != nil {
		return fmt.Errorf("could not mount a tmpfs on %s: %w", inNode, err)
	}
	for _, hierarchy := range l.hierarchies {
		if err := os.MkdirAll(hierarchy.Mount, 0o755); err != nil {
			return err
		}
		kind, data := "cgroup", hierarchy.Controllers
		if hierarchy.V2() {
			kind = "cgroup2"
		} else if strings.HasPrefix(data, "name=") {
			data = "none," + data
		}
		if err := unix.Mount(kind, hierarchy.Mount, kind, mountFlags, data); err != nil {
			return fmt.Errorf("could not mount %s %s on %s: %w", kind, data, hierarchy.Mount, err)
		}
	}
	for name, target := range l.links {
		if err := os.Symlink(target, filepath.Join(inNode, name)); err != nil {
			return err
		}
	}
	return nil
}

// CloseGaps puts an empty file where systemd would make a folder: for each controller of the kernel that has no v1
// hierarchy on this machine. systemd cannot mount such a hierarchy in a container, leaves its folder, and makes
// /sys/fs/cgroup read-only. CRI-O takes a folder for a hierarchy, and starts no static pod where it cannot write.
func CloseGaps() error {
	hierarchies, err := Mounted()
	if err != nil || len(hierarchies) == 0 || hierarchies[0].pureV2() {
		return err
	}
	controllers, err := os.ReadFile("/proc/cgroups")
	if err != nil {
		return err
	}
	for _, controller := range withoutHierarchy(string(controllers)) {
		if err := os.WriteFile(filepath.Join(inNode, controller), nil, 0o444); err != nil {
			return err
		}
	}
	return nil
}

// withoutHierarchy reads /proc/cgroups: a line for each controller, with its name, the number of its v1 hierarchy or 0, the
// number of its groups, and whether it is enabled.
func withoutHierarchy(controllers string) (names []string) {
	for _, line := range strings.Split(controllers, "\n") {
		if fields := strings.Fields(line); len(fields) == 4 && fields[1] == "0" {
			names = append(names, fields[0])
		}
	}
	return names
}

func (l Layout) moveToLeaf() error {
	dir := filepath.Join(inNode, leaf)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := join(dir); err != nil {
		return err
	}
	HandDown(inNode)
	return nil
}

// RemoveEmpty removes all empty cgroups of this node: those of removed pods.
func RemoveEmpty() error {
	var dirs []string
	err := filepath.WalkDir(inNode, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != inNode {
			dirs = append(dirs, path)
		}
		return nil // removed in the meantime
	})
	for i := len(dirs) - 1; i >= 0; i-- {
		_ = unix.Rmdir(dirs[i]) // fails for the mounts of hierarchies and for the cgroup of this process, which stay
	}
	return err
}
