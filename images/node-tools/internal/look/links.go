package look

import (
	"net"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// kernels are devices that the kernel puts into every network namespace once a module is loaded.
var kernels = map[string]bool{
	"lo": true, "tunl0": true, "gre0": true, "gretap0": true, "erspan0": true, "ip_vti0": true, "ip6_vti0": true,
	"sit0": true, "ip6tnl0": true, "ip6gre0": true,
}

type link struct {
	index, master int
	flags         uint32
	name, kind    string
	mac           net.HardwareAddr
	// peer is the id of the network namespace of the other end, if it is another namespace
	peer *int32
}

// linkItems leaves out pairs whose other end was in a namespace that has ended. The kernel removes them a little
// later, so nobody has left them behind.
func linkItems(found []link, living namespaces) []Item {
	byIndex := map[int]link{}
	for _, one := range found {
		byIndex[one.index] = one
	}
	var items []Item
	for _, one := range found {
		if kernels[one.name] || one.isGoing(living) {
			continue
		}
		item := Item{Kind: "link", Name: one.name}
		if one.kind == "veth" || one.kind == "bridge" {
			item.Kind = one.kind
		} else if one.kind != "" {
			item.Detail = map[string]string{"type": one.kind}
		}
		if one.peer != nil && living[*one.peer] != "" {
			item.addDetail("netns", living[*one.peer])
		}
		items = append(items, item)
		if master := byIndex[one.master]; master.kind == "bridge" {
			items = append(items, Item{Kind: "bridge-port", Name: master.name + "/" + one.name})
		}
	}
	return items
}

func (l link) isGoing(living namespaces) bool {
	if l.peer == nil {
		return false
	}
	_, lives := living[*l.peer]
	return !lives
}

// readLinks returns the network devices in the node's own namespace.
func (k *kernel) readLinks() ([]link, error) {
	var found []link
	err := k.listed(unix.NETLINK_ROUTE, unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg), unix.SizeofIfInfomsg,
		"network devices", func(head []byte, more attributes) {
			device := nl.DeserializeIfInfomsg(head)
			one := link{
				index: int(device.Index), flags: device.Flags, name: text(more.get(unix.IFLA_IFNAME)),
				master: int(number(more.get(unix.IFLA_MASTER))), mac: more.get(unix.IFLA_ADDRESS),
				kind: text(more.in(unix.IFLA_LINKINFO).get(unix.IFLA_INFO_KIND)),
			}
			if value := more.get(unix.IFLA_LINK_NETNSID); len(value) == 4 {
				peer := int32(native.Uint32(value))
				one.peer = &peer
			}
			found = append(found, one)
		})
	return found, err
}
