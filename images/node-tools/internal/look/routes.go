package look

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const rtaNextHop = 30 // RTA_NH_ID, the id of a next-hop object

type route struct {
	to              netip.Prefix
	kind, protocol  byte
	table, priority uint32
}

var routeTypes = map[byte]string{
	unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast", unix.RTN_ANYCAST: "anycast", unix.RTN_MULTICAST: "multicast",
	unix.RTN_BLACKHOLE: "blackhole", unix.RTN_UNREACHABLE: "unreachable", unix.RTN_PROHIBIT: "prohibit", unix.RTN_THROW: "throw",
}

// readRoutes returns the routes of all tables. It leaves out those that the kernel keeps for an address: they come
// and go with it.
func (k *kernel) readRoutes(devices map[int]link, addresses []address) ([]attachment, error) {
	on := map[int][]address{}
	for _, one := range addresses {
		on[one.device] = append(on[one.device], one)
	}
	var found []attachment
	err := k.listed(unix.NETLINK_ROUTE, unix.RTM_GETROUTE, make([]byte, unix.SizeofRtMsg), unix.SizeofRtMsg,
		"routes", func(head []byte, more attributes) {
			message := nl.DeserializeRtMsg(head)
			one := route{kind: message.Type, protocol: message.Protocol, table: uint32(message.Table), priority: number(more.get(unix.RTA_PRIORITY))}
			if value := more.get(unix.RTA_TABLE); value != nil {
				one.table = number(value)
			}
			one.to = prefix(more.get(unix.RTA_DST), message.Dst_len, message.Family)
			device := int(number(more.get(unix.RTA_OIF)))
			if one.isKernels(on[device]) || devices[device].name == "lo" && one.isKernels(addresses) {
				return
			}
			found = append(found, attachment{"route", words(
				routeTypes[one.kind], destination(one.to), labelled("from", source(more.get(unix.RTA_SRC), message.Src_len)),
				labelled("via", gateway(more)), counted("nhid", number(more.get(rtaNextHop))), nextHops(more.get(unix.RTA_MULTIPATH), devices), tableName(one.table),
				counted("metric", metric(one)), labelled("dev", devices[device].name),
			), device})
		})
	return found, err
}

var multicast6 = netip.MustParsePrefix("ff00::/8")

// isKernels reports whether a route was made by the kernel: its protocol is `kernel`, and it follows from an address
// of its device, in exactly the kernel's form. Some IPv6 routes are on lo, whichever device has the address.
func (r route) isKernels(addresses []address) bool {
	if r.protocol != unix.RTPROT_KERNEL {
		return false
	}
	if r.kind == unix.RTN_MULTICAST && r.to == multicast6 {
		return true // on every device with IPv6
	}
	if r.kind == unix.RTN_UNREACHABLE && r.to.Bits() == 0 { // older kernels show this if there is no default route
		return true
	}
	for _, one := range addresses {
		switch r.kind {
		case unix.RTN_LOCAL:
			if r.to.Addr() == one.local.Addr() && r.to.IsSingleIP() || r.to == one.local.Masked() && one.local.Addr().IsLoopback() {
				return true
			}
		case unix.RTN_BROADCAST, unix.RTN_ANYCAST:
			if r.to.IsSingleIP() && (r.to.Addr() == one.peer.Masked().Addr() || r.to.Addr() == last(one.peer)) {
				return true
			}
		case unix.RTN_UNICAST:
			if r.to == one.peer.Masked() || r.to == one.local.Masked() {
				return true
			}
		}
	}
	return false
}

func last(of netip.Prefix) netip.Addr {
	bytes := of.Addr().AsSlice()
	for bit := of.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	address, _ := netip.AddrFromSlice(bytes)
	return address
}

// prefix reads the prefix of an attribute. A missing attribute means all addresses.
func prefix(value []byte, length, family byte) netip.Prefix {
	address, ok := netip.AddrFromSlice(value)
	if !ok {
		address = netip.IPv4Unspecified()
		if family == unix.AF_INET6 {
			address = netip.IPv6Unspecified()
		}
	}
	return netip.PrefixFrom(address, int(length))
}

func destination(to netip.Prefix) string {
	if to.Bits() == 0 && to.Addr().Is4() {
		return "default"
	}
	return short(to)
}

// short formats a single address without its length, as the ip program does.
func short(prefix netip.Prefix) string {
	if prefix.IsSingleIP() {
		return prefix.Addr().String()
	}
	return prefix.String()
}

func source(value []byte, length byte) string {
	if address, ok := netip.AddrFromSlice(value); ok {
		return short(netip.PrefixFrom(address, int(length)))
	}
	return ""
}

func gateway(more attributes) string {
	if via := more.get(unix.RTA_VIA); len(via) > 2 { // a gateway of another family than the route
		return address4or6(via[2:])
	}
	return address4or6(more.get(unix.RTA_GATEWAY))
}

func address4or6(bytes []byte) string {
	if address, ok := netip.AddrFromSlice(bytes); ok {
		return address.String()
	}
	return ""
}

// nextHops reads a list of struct rtnexthop, each with attributes of its own.
func nextHops(bytes []byte, devices map[int]link) string {
	var hops []string
	for len(bytes) >= unix.SizeofRtNexthop {
		length := int(native.Uint16(bytes))
		if length < unix.SizeofRtNexthop || length > len(bytes) {
			break
		}
		hops = append(hops, words("nexthop", labelled("via", gateway(attributesOf(bytes[unix.SizeofRtNexthop:length]))),
			labelled("dev", devices[int(number(bytes[4:]))].name)))
		bytes = bytes[min((length+3)&^3, len(bytes)):]
	}
	return strings.Join(sorted(hops), " ")
}

func tableName(table uint32) string {
	switch table {
	case unix.RT_TABLE_MAIN, unix.RT_TABLE_UNSPEC:
		return ""
	case unix.RT_TABLE_LOCAL:
		return "table local"
	case unix.RT_TABLE_DEFAULT:
		return "table default"
	default:
		return fmt.Sprintf("table %d", table)
	}
}

// metric returns 0 for 1024, the default of an IPv6 route without a metric.
func metric(one route) uint32 {
	if one.to.Addr().Is6() && one.priority == 1024 {
		return 0
	}
	return one.priority
}
