package look

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatHangsOnANewDeviceIsPartOfItAndWhatHangsOnABridgeOrAnOldDeviceIsNot(t *testing.T) {
	ended := int32(7)
	links := []link{
		{index: 1, name: "lo"}, {index: 2, name: "eth0"}, {index: 3, name: "cni0", kind: "bridge"},
		{index: 4, name: "veth1", kind: "veth"}, {index: 5, name: "veth2", kind: "veth", peer: &ended},
	}
	items := networkItems(links, namespaces{}, []attachment{
		{"address", "10.97.0.1/32 dev lo", 1}, {"route", "10.98.0.0/16 dev eth0", 2}, {"address", "10.88.0.1/16 dev cni0", 3},
		{"route", "10.88.0.2 dev veth1", 4}, {"qdisc", "tbf root dev veth1", 4}, {"qdisc", "ingress dev veth1", 4},
		{"route", "10.88.0.3 dev veth2", 5}, {"rule", "32765: from 10.88.0.7 lookup 100", 0}, {"route", "blackhole 10.88.0.7", 0},
	}, map[int]bool{1: true, 2: true})
	expect(t, names(items), []string{
		"link eth0", "bridge cni0", "veth veth1", "address 10.97.0.1/32 dev lo", "route 10.98.0.0/16 dev eth0",
		"address 10.88.0.1/16 dev cni0", "rule 32765: from 10.88.0.7 lookup 100", "route blackhole 10.88.0.7",
	})
	if detail := items[2].Detail; detail["route"] != "10.88.0.2" || detail["qdisc"] != "tbf root, ingress" {
		t.Errorf("veth1 has %v", detail)
	}
	if items[5].Detail["device"] != "cni0" {
		t.Errorf("the address is on %v", items[5].Detail)
	}
}

func TestRoutesOfAnAddressAreTheKernelsAndOthersAreNot(t *testing.T) {
	address4, address6 := netip.MustParsePrefix("10.88.0.1/16"), netip.MustParsePrefix("fd00::1/64")
	addresses := []address{{local: address4, peer: address4}, {local: address6, peer: address6}}
	for _, one := range []struct {
		to    string
		kind  byte
		proto byte
		want  bool
	}{
		{"10.88.0.0/16", unix.RTN_UNICAST, unix.RTPROT_KERNEL, true},
		{"10.88.0.1/32", unix.RTN_LOCAL, unix.RTPROT_KERNEL, true},
		{"10.88.255.255/32", unix.RTN_BROADCAST, unix.RTPROT_KERNEL, true},
		{"fd00::/128", unix.RTN_ANYCAST, unix.RTPROT_KERNEL, true},
		{"ff00::/8", unix.RTN_MULTICAST, unix.RTPROT_KERNEL, true},
		{"10.88.0.0/16", unix.RTN_UNICAST, unix.RTPROT_BOOT, false},
		{"10.88.0.2/32", unix.RTN_UNICAST, unix.RTPROT_KERNEL, false},
		{"10.88.0.2/32", unix.RTN_LOCAL, unix.RTPROT_KERNEL, false},
		{"10.99.0.0/16", unix.RTN_UNICAST, unix.RTPROT_KERNEL, false},
	} {
		got := route{to: netip.MustParsePrefix(one.to), kind: one.kind, protocol: one.proto}.isKernels(addresses)
		if got != one.want {
			t.Errorf("%s of type %d and protocol %d: %v", one.to, one.kind, one.proto, got)
		}
	}
}

func TestOfTheKernelsOwnNeighboursNoneIsByHand(t *testing.T) {
	for _, one := range []struct {
		state uint16
		kind  byte
		flags uint32
		want  bool
	}{
		{unix.NUD_PERMANENT, unix.RTN_UNICAST, unix.IFF_LOOPBACK, true},
		{unix.NUD_NOARP, unix.RTN_UNICAST, unix.IFF_UP, true},
		{unix.NUD_NOARP, unix.RTN_MULTICAST, unix.IFF_UP, false},
		{unix.NUD_NOARP, unix.RTN_UNICAST, unix.IFF_LOOPBACK, false},
		{unix.NUD_REACHABLE, unix.RTN_UNICAST, unix.IFF_UP, false},
		{unix.NUD_STALE, unix.RTN_UNICAST, unix.IFF_UP, false},
	} {
		if got := byHand(one.state, one.kind, one.flags); got != one.want {
			t.Errorf("state %#x of type %d: %v", one.state, one.kind, got)
		}
	}
}

func TestItemsOfTheStartAreLeftOutAsOftenAsTheyWereThere(t *testing.T) {
	rule := Item{Kind: "rule", Name: "32766: from all lookup main"}
	looker := &Looker{before: map[string]int{rule.key(): 1}}
	if more := looker.since([]Item{rule, rule}); len(more) != 1 {
		t.Errorf("got %v", more)
	}
}

func TestASysctlIsReportedWhenItsValueIsNotAsAtTheStart(t *testing.T) {
	items := changed(map[string]string{"net/ipv4/ip_forward": "0", "a": "1"}, map[string]string{"net/ipv4/ip_forward": "1", "a": "1", "came": "1"})
	expect(t, names(items), []string{"sysctl net.ipv4.ip_forward = 1"})
}
