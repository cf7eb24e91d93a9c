package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// labFolder holds the groups of all nodes, below the group that the lab itself is in.
const labFolder = "cnilab"

// Group is a node's own group in one hierarchy, and where the process that made it was before.
type Group struct {
	Dir  string
	home string
	v2   bool
	// needsCPU: runc starts no pod without the controller, and no v1 hierarchy has it here.
	needsCPU bool
}

// Plan says which groups a node of this name will have; nothing is made yet, so that they can be recorded first.
// A hierarchy that cannot be written here is left out: its groups would be read-only for the node as well.
func Plan(name string) ([]Group, error) {
	hierarchies, err := Mounted()
	if err != nil {
		return nil, err
	}
	var groups []Group
	for _, hierarchy := range hierarchies {
		home, err := hierarchy.FolderOf("self")
		if err == nil {
			err = syscall.Access(filepath.Join(home, "cgroup.procs"), 2)
		}
		if err != nil && hierarchy.pureV2() {
			// without a group of its own a node would take the lab's for its root and leave groups in it
			return nil, fmt.Errorf("could not make groups in %s: %w", hierarchy.Mount, err)
		}
		if err != nil {
			continue
		}
		base := home
		if hierarchy.V2() {
			base, home = placeV2(hierarchy, home)
		}
		groups = append(groups, Group{filepath.Join(base, labFolder, name), home, hierarchy.V2(), hierarchy.pureV2()})
	}
	return groups, nil
}

// Enter makes the groups with their limits and moves this process, all threads, into them.
func Enter(groups []Group, limits Limits) error {
	for _, group := range groups {
		if base := filepath.Dir(filepath.Dir(group.Dir)); group.home == filepath.Join(base, outside) {
			done, err := lock(base)
			if err != nil {
				return err
			}
			defer done()
		}
	}
	if err := makeGroups(groups); err != nil {
		return err
	}
	for _, group := range groups {
		if err := group.set(limits); err != nil {
			return err
		}
	}
	return joinGroups(groups)
}

// makeGroups: another lab may remove the shared parent at any moment, as it was empty: then it is made again.
func makeGroups(groups []Group) error {
	for _, group := range groups {
		var err error
		for try := 0; try < 50; try++ {
			if err = group.make(); !errors.Is(err, os.ErrNotExist) {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("could not make the cgroup %s: %w", group.Dir, err)
		}
	}
	return nil
}

func (g Group) make() error {
	lab := filepath.Dir(g.Dir)
	for _, dir := range []string{lab, g.Dir} {
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		if g.v2 {
			if err := makeRoom(filepath.Dir(dir), g.home); err != nil {
				return err
			}
			HandDown(filepath.Dir(dir))
		} else if err := copyCpuset(filepath.Dir(dir), dir); err != nil {
			return err
		}
	}
	if g.needsCPU && !hasController(g.Dir, "cpu") {
		return fmt.Errorf("it has no cpu controller, and runc starts no pod without: %s does not hand it down", filepath.Dir(lab))
	}
	return nil
}

// copyCpuset gives a v1 cpuset what its parent has: a new one is empty and takes no process.
func copyCpuset(from, to string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		have, err := os.ReadFile(filepath.Join(to, file))
		if errors.Is(err, os.ErrNotExist) && exists(to) {
			return nil // not the cpuset hierarchy
		}
		if err != nil {
			return err
		}
		if len(strings.TrimSpace(string(have))) > 0 {
			continue
		}
		value, err := os.ReadFile(filepath.Join(from, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, file), value, 0); err != nil {
			return err
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func joinGroups(groups []Group) error {
	for _, group := range groups {
		if err := join(group.Dir); err != nil {
			return err
		}
	}
	return nil
}

// Leave moves this process back to where it was, so that the groups can be removed.
func Leave(groups []Group) {
	for _, group := range groups {
		_ = join(group.home)
	}
}

func join(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0); err != nil {
		return fmt.Errorf("could not join the cgroup %s: %w", dir, err)
	}
	return nil
}

// JoinThoseOf moves this process into every group that another one is in.
func JoinThoseOf(pid string) error {
	hierarchies, err := Mounted()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		dir, err := hierarchy.FolderOf(pid)
		if err != nil {
			return err
		}
		if err := join(dir); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes the groups and all below them, deepest first, and the lab's parent folder if it was the last.
// Processes may still be on their way out: it tries again until the time is over.
func Remove(dirs []string, within time.Duration) error {
	deadline := time.Now().Add(within)
	for _, dir := range dirs {
		for {
			err := removeTree(dir)
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("could not remove the cgroup %s: %w", dir, err)
			}
			time.Sleep(2 * time.Millisecond)
		}
		_ = syscall.Rmdir(filepath.Dir(dir))
	}
	return nil
}

func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeTree(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
