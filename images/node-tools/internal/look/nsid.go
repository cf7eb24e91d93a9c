package look

import (
	"fmt"
	"strconv"
	"strings"

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
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
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
		id, err := namespaceID(socket, namespace)
		unix.Close(namespace)
		if err != nil {
			return nil, fmt.Errorf("could not ask for the number of %s: %w", path, err)
		}
		if id != unix.NETNSA_NSID_NOT_ASSIGNED {
			living[id] = true
		}
	}
	return living, nil
}

// namespaceID is RTM_GETNSID: nlmsghdr, rtgenmsg filled up to four bytes, NETNSA_FD.
func namespaceID(socket, namespace int) (int32, error) {
	request := make([]byte, 28)
	native.PutUint32(request, 28)
	native.PutUint16(request[4:], unix.RTM_GETNSID)
	native.PutUint16(request[6:], unix.NLM_F_REQUEST)
	native.PutUint16(request[20:], 8)
	native.PutUint16(request[22:], unix.NETNSA_FD)
	native.PutUint32(request[24:], uint32(namespace))
	if err := unix.Sendto(socket, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, err
	}
	answer := make([]byte, 4096)
	count, _, err := unix.Recvfrom(socket, answer, 0)
	if err != nil {
		return 0, err
	}
	if count < 20 || native.Uint16(answer[4:]) != unix.RTM_NEWNSID {
		return 0, fmt.Errorf("the kernel answered with a message of type %d", native.Uint16(answer[4:]))
	}
	return int32(native.Uint32(attributes(answer[20:count]).get(unix.NETNSA_NSID))), nil
}
