package look

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// livingNamespaces returns the numbers that the node's network namespace has for every other one that a process is in or
// a mount holds. The kernel keeps the number of one that has ended until it has taken it apart, some milliseconds later.
func livingNamespaces() (map[int32]bool, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	pids, err := readPids()
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, pid := range pids {
		paths = append(paths, "/proc/"+strconv.Itoa(pid)+"/ns/net")
	}
	for _, mount := range mounts {
		if mount.kind == "nsfs" && strings.HasPrefix(mount.root, "net:") {
			paths = append(paths, mount.point)
		}
	}
	kernel, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer kernel.Close()
	living, asked := map[int32]bool{}, map[uint64]bool{}
	for _, path := range paths {
		var stat unix.Stat_t
		if unix.Stat(path, &stat) != nil || asked[stat.Ino] { // the process has ended, or the mount has gone meanwhile
			continue
		}
		asked[stat.Ino] = true
		namespace, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		id, err := kernel.GetNetNsIdByFd(namespace)
		unix.Close(namespace)
		if err != nil {
			return nil, fmt.Errorf("could not ask for the number of %s: %w", path, err)
		}
		if id != unix.NETNSA_NSID_NOT_ASSIGNED {
			living[int32(id)] = true
		}
	}
	return living, nil
}
