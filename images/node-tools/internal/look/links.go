package look

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernels are devices that the kernel puts into every network namespace once a module is loaded.
var kernels = map[string]bool{
	"lo": true, "tunl0": true, "gre0": true, "gretap0": true, "erspan0": true, "ip_vti0": true, "ip6_vti0": true,
	"sit0": true, "ip6tnl0": true, "ip6gre0": true,
}

type link struct {
	index, master int
	name, kind    string
	// peer is the number of the network namespace that the other end is in, if it is another one
	peer *int32
}

// links returns the network devices of the node's own namespace.
func links() ([]Item, error) {
	dump, err := syscall.NetlinkRIB(syscall.RTM_GETLINK, syscall.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("could not list network devices: %w", err)
	}
	found, err := parseLinks(dump)
	if err != nil {
		return nil, fmt.Errorf("could not list network devices: %w", err)
	}
	living, err := livingNamespaces()
	if err != nil {
		return nil, err
	}
	return linkItems(found, living), nil
}

// linkItems leaves out pairs whose other end was in a namespace that has ended: the kernel is taking them away, in its
// own time, and nobody has left them behind.
func linkItems(found []link, living map[int32]bool) []Item {
	byIndex := map[int]link{}
	for _, one := range found {
		byIndex[one.index] = one
	}
	var items []Item
	for _, one := range found {
		if kernels[one.name] || (one.peer != nil && !living[*one.peer]) {
			continue
		}
		item := Item{Kind: "link", Name: one.name}
		if one.kind == "veth" || one.kind == "bridge" {
			item.Kind = one.kind
		} else if one.kind != "" {
			item.Detail = map[string]string{"type": one.kind}
		}
		items = append(items, item)
		if master := byIndex[one.master]; master.kind == "bridge" {
			items = append(items, Item{Kind: "bridge-port", Name: master.name + "/" + one.name})
		}
	}
	return items
}

func parseLinks(dump []byte) ([]link, error) {
	messages, err := syscall.ParseNetlinkMessage(dump)
	if err != nil {
		return nil, err
	}
	var found []link
	for _, message := range messages {
		if message.Header.Type != syscall.RTM_NEWLINK {
			continue
		}
		attributes, err := syscall.ParseNetlinkRouteAttr(&message)
		if err != nil {
			return nil, err
		}
		one := link{index: int((*syscall.IfInfomsg)(unsafe.Pointer(&message.Data[0])).Index)}
		for _, attribute := range attributes {
			switch attribute.Attr.Type {
			case unix.IFLA_IFNAME:
				one.name = text(attribute.Value)
			case unix.IFLA_MASTER:
				one.master = int(native.Uint32(attribute.Value))
			case unix.IFLA_LINK_NETNSID:
				peer := int32(native.Uint32(attribute.Value))
				one.peer = &peer
			case unix.IFLA_LINKINFO:
				one.kind = text(nested(attribute.Value)[unix.IFLA_INFO_KIND])
			}
		}
		found = append(found, one)
	}
	return found, nil
}
