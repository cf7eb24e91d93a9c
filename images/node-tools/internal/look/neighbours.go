package look

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

const ntfProxy = unix.NTF_PROXY

// readNeighbours returns the entries that somebody made. It leaves out those that the kernel learned or makes by
// itself. With ntfProxy they are the addresses that the node answers for.
func (k *kernel) readNeighbours(devices map[int]link, flags byte) ([]attachment, error) {
	request := make([]byte, unix.SizeofNdMsg)
	request[10] = flags
	var found []attachment
	err := k.listed(unix.NETLINK_ROUTE, unix.RTM_GETNEIGH, request, unix.SizeofNdMsg, "neighbours",
		func(head []byte, more attributes) {
			device := int(number(head[4:]))
			address, ok := netip.AddrFromSlice(more.get(unix.NDA_DST))
			if !ok {
				return
			}
			on := onDevice(devices[device].name)
			if head[10]&unix.NTF_PROXY != 0 {
				found = append(found, attachment{"neighbour", "proxy " + address.String() + on, device})
			} else if byHand(native.Uint16(head[8:]), head[11], devices[device].flags) {
				mac := labelled(" lladdr", net.HardwareAddr(more.get(unix.NDA_LLADDR)).String())
				found = append(found, attachment{"neighbour", address.String() + mac + on, device})
			}
		})
	return found, err
}

// byHand reports whether somebody made the entry. Without ARP, the kernel itself makes entries for addresses that are
// not a single host, and on devices without ARP.
func byHand(state uint16, kind byte, deviceFlags uint32) bool {
	if state&unix.NUD_PERMANENT != 0 {
		return true
	}
	withoutARP := uint32(unix.IFF_LOOPBACK | unix.IFF_NOARP | unix.IFF_POINTOPOINT)
	return state&unix.NUD_NOARP != 0 && kind == unix.RTN_UNICAST && deviceFlags&withoutARP == 0
}
