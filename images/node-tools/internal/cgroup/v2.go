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

// outside is the cgroup for the other processes of a container, so that the container's own can enable controllers
// for nodes.
const outside = "outside-cnilab"

// placeV2 returns the cgroup below which a node can have controllers, and the cgroup of the lab itself. Without
// controllers runc starts nothing on a pure v2 host. A cgroup with processes in it, such as the lab's, cannot enable
// controllers below it. Only the real root can do both. In a container, whose top cgroup is not the real root, all
// processes first move one level down, as in Docker in Docker and kind. Elsewhere there is no such cgroup. On a
// hybrid host v1 has the controllers.
// https://docs.kernel.org/admin-guide/cgroup-v2.html#no-internal-process-constraint
func placeV2(hierarchy Hierarchy, home string) (base, labs string) {
	mount := hierarchy.Mount
	switch {
	case !hierarchy.pureV2(): // what is above the lab's own cgroup may not enable the controllers
		return home, home
	case isRealRoot(mount):
		return mount, home
	case home == mount, home == filepath.Join(mount, outside): // another node's launcher may be moving all processes now
		return mount, filepath.Join(mount, outside)
	case readTrimmed(mount, "cgroup.subtree_control") != "":
		return mount, home
	default:
		return home, home
	}
}

// isRealRoot uses that only the real root has no such file.
func isRealRoot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.type"))
	return errors.Is(err, os.ErrNotExist)
}

// makeRoom moves the processes of a container's top cgroup to the lab's new cgroup, if placeV2 requires that.
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
	return nil // then no controllers are enabled
}

// lock keeps launchers from making room while another one joins its cgroup. Otherwise a process on the list of those
// to move may already be in a node's cgroup when it is moved, and its node would start in the lab's.
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

// HandDownNode enables the controllers on a node for its pods.
func HandDownNode() { HandDown(inNode) }

// HandDown enables the controllers of a v2 cgroup below it. Those that cannot be enabled are skipped.
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
