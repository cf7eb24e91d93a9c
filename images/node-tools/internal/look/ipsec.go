package look

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

var directions = []string{"in", "out", "fwd"}

// ipsec returns the kernel's policies and states. A kernel without IPsec is not asked, because asking loads a module.
func (k *kernel) ipsec() ([]Item, error) {
	if known, err := knowsIPsec(); !known || err != nil {
		return nil, err
	}
	var items []Item
	err := k.listed(unix.NETLINK_XFRM, nl.XFRM_MSG_GETPOLICY, nil, nl.SizeofXfrmUserpolicyInfo, "IPsec policies", func(head []byte, _ attributes) {
		policy := nl.DeserializeXfrmUserpolicyInfo(head)
		selector, direction := policy.Sel, "socket"
		if at := int(policy.Dir); at < len(directions) {
			direction = directions[at]
		}
		items = append(items, Item{Kind: "xfrm", Name: fmt.Sprintf("policy %s from %s to %s", direction,
			xfrmPrefix(selector.Saddr, selector.PrefixlenS, selector.Family), xfrmPrefix(selector.Daddr, selector.PrefixlenD, selector.Family))})
	})
	if err != nil {
		return nil, err
	}
	err = k.listed(unix.NETLINK_XFRM, nl.XFRM_MSG_GETSA, nil, nl.SizeofXfrmUsersaInfo, "IPsec states", func(head []byte, _ attributes) {
		state := nl.DeserializeXfrmUsersaInfo(head)
		items = append(items, Item{Kind: "xfrm", Name: fmt.Sprintf("state from %s to %s spi 0x%08x",
			xfrmPrefix(state.Saddr, 0, 0).Addr(), xfrmPrefix(state.Id.Daddr, 0, 0).Addr(), nl.Swap32(state.Id.Spi))})
	})
	return items, err
}

// knowsIPsec reports whether the kernel has IPsec: it has one netlink socket of its own for each protocol that it
// serves.
func knowsIPsec() (bool, error) {
	sockets, err := readWhole("/proc/net/netlink")
	if err != nil && !os.IsNotExist(err) {
		return false, err
	}
	for _, line := range strings.Split(sockets, "\n") {
		if fields := strings.Fields(line); len(fields) > 2 && fields[1] == fmt.Sprint(unix.NETLINK_XFRM) {
			return true, nil
		}
	}
	return false, nil
}

// xfrmPrefix reads an IPv4 address from the first four of the sixteen bytes.
func xfrmPrefix(bytes nl.XfrmAddress, length uint8, family uint16) netip.Prefix {
	address := netip.AddrFrom16(bytes)
	if family == unix.AF_INET || family != unix.AF_INET6 && [12]byte(bytes[4:]) == [12]byte{} {
		address = netip.AddrFrom4([4]byte(bytes[:4]))
	}
	return netip.PrefixFrom(address, int(length))
}
