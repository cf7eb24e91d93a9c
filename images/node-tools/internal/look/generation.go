package look

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

// nftGeneration is the number that the kernel gives to the rules of a network namespace: each change of them makes it
// another one. Not known where the kernel does not tell.
func nftGeneration() (generation uint32, known bool) {
	const nftaGenID = 1
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return 0, false
	}
	defer unix.Close(socket)
	request := make([]byte, 20) // nlmsghdr and nfgenmsg, of which all but these fields is zero
	native.PutUint32(request, 20)
	native.PutUint16(request[4:], unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN)
	native.PutUint16(request[6:], unix.NLM_F_REQUEST)
	if unix.Sendto(socket, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return 0, false
	}
	answer := make([]byte, 4096)
	count, _, err := unix.Recvfrom(socket, answer, 0)
	if err != nil {
		return 0, false
	}
	messages, _, err := parseMessages(answer[:count])
	if err != nil || len(messages) == 0 || len(messages[0].body) < 4 || messages[0].kind != unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWGEN {
		return 0, false
	}
	id := attributes(messages[0].body[4:]).get(nftaGenID)
	if len(id) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(id), true
}

// saved are the rules that a program told of one generation: as long as that is the kernel's, it would tell the same.
type saved struct {
	mutex      sync.Mutex
	generation map[string]uint32
	items      map[string][]Item
}

// unlessSame runs `tell` unless the generation is the one that it told of before. Rules that changed while it ran are not kept.
func (s *saved) unlessSame(what string, tell func() ([]Item, error)) ([]Item, error) {
	before, known := nftGeneration()
	if items, told := s.of(what, before); told && known {
		return items, nil
	}
	items, err := tell()
	if after, still := nftGeneration(); err == nil && known && still && before == after {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.generation[what], s.items[what] = before, items
	}
	return items, err
}

func (s *saved) of(what string, generation uint32) ([]Item, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	items, told := s.items[what]
	return items, told && s.generation[what] == generation
}
