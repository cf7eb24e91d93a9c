package look

import (
	"encoding/binary"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// nftGeneration returns the kernel's generation number of the rules in a network namespace. It changes with every
// change of the rules. It is not known if the kernel does not report it.
func (k *kernel) nftGeneration() (generation uint32, known bool) {
	const nftaGenID = 1
	request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0)
	request.AddRawData(make([]byte, nl.SizeofNfgenmsg))
	answers, err := k.ask(unix.NETLINK_NETFILTER, request, unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWGEN)
	if err != nil || len(answers) == 0 || len(answers[0]) < nl.SizeofNfgenmsg {
		return 0, false
	}
	id := attributesOf(answers[0][nl.SizeofNfgenmsg:]).get(nftaGenID)
	if len(id) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(id), true
}

// saved holds the rules that a program printed for one generation. While the generation is the same, it would print
// the same.
type saved struct {
	mutex      sync.Mutex
	generation map[string]uint32
	items      map[string][]Item
}

func newSaved() *saved {
	return &saved{generation: map[string]uint32{}, items: map[string][]Item{}}
}

// unlessSame runs `read` unless the generation has not changed since it last ran. If the rules change while it runs,
// the output is not kept.
func (s *saved) unlessSame(k *kernel, what string, read func() ([]Item, error)) ([]Item, error) {
	before, known := k.nftGeneration()
	if items, listed := s.of(what, before); listed && known {
		return items, nil
	}
	items, err := read()
	if after, still := k.nftGeneration(); err == nil && known && still && before == after {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.generation[what], s.items[what] = before, items
	}
	return items, err
}

func (s *saved) of(what string, generation uint32) ([]Item, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	items, listed := s.items[what]
	return items, listed && s.generation[what] == generation
}
