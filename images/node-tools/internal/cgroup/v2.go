package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// outside is where the other processes of a container go, so that its group may hand controllers down to nodes.
const outside = "outside-cnilab"

// placeV2 is the group below which a node can have controllers, without which runc starts nothing on a pure v2 host, and
// the group where the lab itself is. A group with processes in it, as the lab's own is, cannot hand controllers down;
// only the real root may do both. In a container, whose top group is not the real root, everybody moves one level down
// first, as Docker in Docker and kind have it as well. Elsewhere there is none. On a hybrid host v1 has the controllers.
// https://docs.kernel.org/admin-guide/cgroup-v2.html#no-internal-process-constraint
func placeV2(hierarchy Hierarchy, home string) (base, labs string) {
	mount := hierarchy.Mount
	switch {
	case !hierarchy.pureV2(): // the lab's own group says nothing of it: what is above may have handed nothing down
		return home, home
	case isRealRoot(mount):
		return mount, home
	case home == mount, home == filepath.Join(mount, outside): // another node's launcher may be moving everybody just now
		return mount, filepath.Join(mount, outside)
	case readTrimmed(mount, "cgroup.subtree_control") != "":
		return mount, home
	default:
		return home, home
	}
}

// isRealRoot: only the real root has no such file.
func isRealRoot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.type"))
	return errors.Is(err, os.ErrNotExist)
}

// makeRoom moves the processes of a container's top group to where the lab goes, if that is what placeV2 wants.
func makeRoom(dir, labs string) error {
	if labs != filepath.Join(dir, outside) {
		return nil
	}
	if err := os.Mkdir(labs, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for try := 0; try < 20; try++ { // some of them may fork meanwhile
		processes := strings.Fields(readTrimmed(dir, "cgroup.procs"))
		if len(processes) == 0 {
			return nil
		}
		for _, pid := range processes {
			_ = os.WriteFile(filepath.Join(labs, "cgroup.procs"), []byte(pid), 0) // it may have ended
		}
	}
	return nil // then no controllers are handed down
}

// lock keeps launchers from making room while another one joins its group: a process on the list of those to move out of
// the way may be in a node's group by the time it is moved, and its node would start in the lab's.
func lock(dir string) (unlock func(), err error) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX); err != nil {
		folder.Close()
		return nil, fmt.Errorf("could not lock %s: %w", dir, err)
	}
	return func() { folder.Close() }, nil
}

// HandDown makes the controllers of a v2 group available below it. One that cannot be is left: the node does without.
func HandDown(dir string) {
	enabled := " " + readTrimmed(dir, "cgroup.subtree_control") + " "
	for _, controller := range strings.Fields(readTrimmed(dir, "cgroup.controllers")) {
		switch controller {
		case "cpu", "cpuset", "io", "memory", "pids", "hugetlb":
			if !strings.Contains(enabled, " "+controller+" ") {
				_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0)
			}
		}
	}
}

func hasController(dir, controller string) bool {
	return slices.Contains(strings.Fields(readTrimmed(dir, "cgroup.controllers")), controller)
}

func readTrimmed(dir, file string) string {
	text, _ := os.ReadFile(filepath.Join(dir, file))
	return strings.TrimSpace(string(text))
}
