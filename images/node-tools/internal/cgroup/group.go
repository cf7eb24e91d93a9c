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

// labFolder holds the cgroups of all nodes, below the cgroup of the lab itself.
const labFolder = "cnilab"

// Group is a node's own cgroup in one hierarchy, and the previous cgroup of the process that made it.
type Group struct {
	Dir  string
	home string
	v2   bool
	// needsCPU: runc starts no pod without the controller, and no v1 hierarchy has it here.
	needsCPU bool
}

// Plan returns the cgroups that a node of this name will have. It makes nothing, so that they can be recorded first.
// Hierarchies that cannot be written here are left out: their cgroups would be read-only for the node as well.
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
			// without a cgroup of its own a node would use the lab's as its root and leave cgroups in it
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

// Enter makes the cgroups with their limits and moves this process, with all threads, into them.
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

// makeGroups makes the cgroups. Another lab may remove the shared parent at any moment if it is empty. Then it is
// made again.
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

// copyCpuset copies a parent's values to a new v1 cpuset, which is empty and accepts no process.
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

// Leave moves this process back to its previous cgroups, so that the node's can be removed.
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

// JoinThoseOf moves this process into every cgroup of another process.
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

// Remove removes the cgroups and everything below them, deepest first, and the lab's parent folder if it is empty.
// Processes may still be ending, so it retries until the time is over.
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
