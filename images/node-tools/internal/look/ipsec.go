package look

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// From include/uapi/linux/xfrm.h.
const (
	xfrmGetSA, xfrmGetPolicy      = 0x12, 0x15
	selectorSize                  = 56
	stateHeadSize, policyHeadSize = selectorSize + 24 + 16, selectorSize + 64 + 32 + 9
	idAt, sourceAt, directionAt   = selectorSize, selectorSize + 24, selectorSize + 64 + 32 + 8
)

var directions = []string{"in", "out", "fwd"}

// ipsec returns the kernel's policies and states. It is not asked where it does not have them, as asking loads a module.
func ipsec() ([]Item, error) {
	if known, err := knowsIPsec(); !known || err != nil {
		return nil, err
	}
	var items []Item
	err := listed(unix.NETLINK_XFRM, xfrmGetPolicy, nil, policyHeadSize, "IPsec policies", func(head []byte, _ attributes) {
		direction := "socket"
		if at := int(head[directionAt]); at < len(directions) {
			direction = directions[at]
		}
		items = append(items, Item{Kind: "xfrm", Name: fmt.Sprintf("policy %s from %s to %s", direction,
			xfrmPrefix(head[16:32], head[43], head[40]), xfrmPrefix(head[:16], head[42], head[40]))})
	})
	if err != nil {
		return nil, err
	}
	err = listed(unix.NETLINK_XFRM, xfrmGetSA, nil, stateHeadSize, "IPsec states", func(head []byte, _ attributes) {
		spi := head[idAt+16 : idAt+20] // in the byte order of the network
		items = append(items, Item{Kind: "xfrm", Name: fmt.Sprintf("state from %s to %s spi 0x%x",
			xfrmPrefix(head[sourceAt:sourceAt+16], 0, 0).Addr(), xfrmPrefix(head[idAt:idAt+16], 0, 0).Addr(), spi)})
	})
	return items, err
}

// knowsIPsec: the kernel has a socket of its own for each protocol that it answers.
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

// xfrmPrefix: an IPv4 address is in the first four of sixteen bytes.
func xfrmPrefix(bytes []byte, length, family byte) netip.Prefix {
	six := [16]byte(bytes)
	address := netip.AddrFrom16(six)
	if family == unix.AF_INET || family != unix.AF_INET6 && [12]byte(six[4:]) == [12]byte{} {
		address = netip.AddrFrom4([4]byte(six[:4]))
	}
	return netip.PrefixFrom(address, int(length))
}
