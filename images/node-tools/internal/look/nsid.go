package look

import (
	"fmt"
	"os"
	"path/filepath"
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
	paths, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		return nil, err
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
		namespace, err := os.Open(path)
		if err != nil { // the process has ended, or the mount has gone meanwhile
			continue
		}
		var stat unix.Stat_t
		if err = unix.Fstat(int(namespace.Fd()), &stat); err == nil && !asked[stat.Ino] {
			asked[stat.Ino] = true
			var id int32
			if id, err = namespaceID(socket, int(namespace.Fd())); id != unix.NETNSA_NSID_NOT_ASSIGNED {
				living[id] = true
			}
		}
		namespace.Close()
		if err != nil {
			return nil, fmt.Errorf("could not ask for the number of %s: %w", path, err)
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
	return int32(native.Uint32(nested(answer[20:count])[unix.NETNSA_NSID])), nil
}
