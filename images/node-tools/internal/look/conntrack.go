package look

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

var protocols = map[byte]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_SCTP: "sctp"}

type tuple struct {
	protocol byte
	from, to netip.AddrPort
}

// flows remembers the two conditions for a tracked flow that leads to a removed pod: a rule that redirects, and an
// address of a pod that is no longer ready. Otherwise the kernel is not asked. The conntrack table is shared by all
// network namespaces of the host, and reading it takes longer than the rest of a look.
type flows struct {
	redirected atomic.Bool
	addresses  map[string]bool
}

// redirecting remembers whether there was ever a rule that changes destinations.
func (l *Looker) redirecting(items []Item, err error) ([]Item, error) {
	for _, item := range items {
		if strings.Contains(item.Name, "-j DNAT") || strings.Contains(item.Name, "dnat") || strings.Contains(item.Name, "redirect") {
			l.flows.redirected.Store(true)
		}
	}
	return items, err
}

// mayLeadAstray remembers the addresses of pods. It must not be called by two looks at the same time.
func (l *Looker) mayLeadAstray(items []Item) bool {
	there := map[string]bool{}
	for _, item := range items {
		if item.Kind != "sandbox" || item.Detail["state"] != "ready" {
			continue
		}
		for _, address := range strings.Split(item.Detail["ips"], ",") {
			there[address] = true
		}
	}
	gone := false
	for address := range l.flows.addresses {
		gone = gone || !there[address]
	}
	if l.flows.addresses == nil {
		l.flows.addresses = map[string]bool{}
	}
	for address := range there {
		l.flows.addresses[address] = true
	}
	return gone && l.flows.redirected.Load()
}

// conntrack returns the flows whose destination was changed, because only these can lead to a removed pod. TCP flows
// that are closing are left out: they end by themselves. The kernel is not asked if it has no flows, because asking
// loads a module.
func (k *kernel) conntrack() ([]Item, error) {
	count, err := readWhole("/proc/sys/net/netfilter/nf_conntrack_count")
	if errors.Is(err, os.ErrNotExist) || err == nil && strings.TrimSpace(count) == "0" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var items []Item
	err = k.listed(unix.NETLINK_NETFILTER, unix.NFNL_SUBSYS_CTNETLINK<<8|nl.IPCTNL_MSG_CT_GET, make([]byte, 4), 4, "tracked connections",
		func(_ []byte, more attributes) {
			original, reply := readTuple(more.get(nl.CTA_TUPLE_ORIG)), readTuple(more.get(nl.CTA_TUPLE_REPLY))
			if original.to == reply.from || !original.to.IsValid() || isEnding(original.protocol, more.get(nl.CTA_PROTOINFO)) {
				return
			}
			protocol, known := protocols[original.protocol]
			if !known {
				protocol = fmt.Sprintf("protocol %d", original.protocol)
			}
			items = append(items, Item{
				Kind: "conntrack", Name: fmt.Sprintf("%s %s to %s at %s", protocol, original.from, original.to, reply.from),
				Detail: map[string]string{"from": original.from.Addr().String(), "at": reply.from.Addr().String()},
			})
		})
	return items, err
}

func isEnding(protocol byte, info []byte) bool {
	if protocol != unix.IPPROTO_TCP {
		return false
	}
	state := attributesOf(info).in(nl.CTA_PROTOINFO_TCP).get(nl.CTA_PROTOINFO_TCP_STATE)
	return len(state) == 1 && state[0] != nl.TCP_CONNTRACK_ESTABLISHED
}

func readTuple(value []byte) tuple {
	ip, proto := attributesOf(value).in(nl.CTA_TUPLE_IP), attributesOf(value).in(nl.CTA_TUPLE_PROTO)
	return tuple{
		protocol: first(proto.get(nl.CTA_PROTO_NUM)),
		from:     addrPort(ip.get(nl.CTA_IP_V4_SRC), ip.get(nl.CTA_IP_V6_SRC), proto.get(nl.CTA_PROTO_SRC_PORT)),
		to:       addrPort(ip.get(nl.CTA_IP_V4_DST), ip.get(nl.CTA_IP_V6_DST), proto.get(nl.CTA_PROTO_DST_PORT)),
	}
}

func first(value []byte) byte {
	if len(value) == 0 {
		return 0
	}
	return value[0]
}

// addrPort takes the port in network byte order. ICMP has no port.
func addrPort(ip4, ip6, port []byte) netip.AddrPort {
	address, ok := netip.AddrFromSlice(ip4)
	if !ok {
		address, _ = netip.AddrFromSlice(ip6)
	}
	number := uint16(0)
	if len(port) == 2 {
		number = uint16(port[0])<<8 | uint16(port[1])
	}
	return netip.AddrPortFrom(address, number)
}
