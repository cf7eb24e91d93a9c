package look

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// namespaces maps the node's id of each other network namespace to the mount point that holds it, or to an empty
// string if only a process holds it.
type namespaces map[int32]string

// livingNamespaces returns every namespace that a process is in or a mount holds. The kernel keeps the id of one that
// has ended until it has dismantled it, some milliseconds later.
func (k *kernel) livingNamespaces() (namespaces, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	pids, err := readPids()
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, mount := range mounts {
		if mount.kind == "nsfs" && strings.HasPrefix(mount.root, "net:") {
			paths = append(paths, mount.point)
		}
	}
	mounted := len(paths)
	for _, pid := range pids {
		paths = append(paths, "/proc/"+strconv.Itoa(pid)+"/ns/net")
	}
	living, asked := namespaces{}, map[uint64]bool{}
	for i, path := range paths {
		var stat unix.Stat_t
		if unix.Stat(path, &stat) != nil || asked[stat.Ino] { // the process has ended or the mount is gone
			continue
		}
		asked[stat.Ino] = true
		namespace, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		id, err := k.namespaceID(namespace)
		unix.Close(namespace)
		if err != nil {
			return nil, fmt.Errorf("could not ask for the number of %s: %w", path, err)
		}
		if id != unix.NETNSA_NSID_NOT_ASSIGNED {
			living[id] = ""
			if i < mounted {
				living[id] = path
			}
		}
	}
	return living, nil
}

// namespaceID returns the id of the namespace that is open as this descriptor, or NETNSA_NSID_NOT_ASSIGNED if it has
// none.
func (k *kernel) namespaceID(descriptor int) (int32, error) {
	request := nl.NewNetlinkRequest(unix.RTM_GETNSID, 0)
	head := nl.NewRtGenMsg()
	request.AddData(head)
	request.AddData(nl.NewRtAttr(unix.NETNSA_FD, native.AppendUint32(nil, uint32(descriptor))))
	answers, err := k.ask(unix.NETLINK_ROUTE, request, unix.RTM_NEWNSID)
	if err != nil {
		return 0, err
	}
	if len(answers) == 1 && len(answers[0]) >= head.Len() {
		if id := attributesOf(answers[0][head.Len():]).get(unix.NETNSA_NSID); len(id) == 4 {
			return int32(number(id)), nil
		}
	}
	return 0, errors.New("the kernel's answer has no number")
}
