package look

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// From include/uapi/linux/nexthop.h. The request is from rtnetlink.h.
const (
	rtmGetNexthop                 = 106
	nhmsgSize                     = 8
	nhaID, nhaGroup, nhaBlackhole = 1, 2, 4
	nhaOIF, nhaGateway            = 5, 6
	nhaGroupEntry                 = 8
)

// readNextHops returns the next-hop objects, which routes can name in place of a device and a gateway.
func (k *kernel) readNextHops(devices map[int]link) ([]attachment, error) {
	var found []attachment
	err := k.listed(unix.NETLINK_ROUTE, rtmGetNexthop, make([]byte, nhmsgSize), nhmsgSize, "next hops",
		func(_ []byte, more attributes) {
			device := int(number(more.get(nhaOIF)))
			kind, group := "", more.get(nhaGroup)
			if more.get(nhaBlackhole) != nil {
				kind = "blackhole"
			}
			for ; len(group) >= nhaGroupEntry; group = group[nhaGroupEntry:] {
				kind = words(kind, fmt.Sprintf("group %d", number(group)))
			}
			found = append(found, attachment{"route", words(
				fmt.Sprintf("nexthop id %d", number(more.get(nhaID))), kind,
				labelled("via", address4or6(more.get(nhaGateway))), labelled("dev", devices[device].name),
			), device})
		})
	return found, err
}
