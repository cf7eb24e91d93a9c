package look

import (
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// address is an address of a device. The kernel's own are the link-local ones that it makes from the device's MAC.
type address struct {
	device      int
	local, peer netip.Prefix
	kernels     bool
}

func (a address) text() string {
	if a.peer == a.local {
		return a.local.String()
	}
	return a.local.String() + " peer " + a.peer.String()
}

const (
	ifaProto   = 11 // IFA_PROTO of include/uapi/linux/if_addr.h, since Linux 5.18
	ifaProtoLL = 2  // IFAPROT_KERNEL_LL
)

func (k *kernel) readAddresses(devices map[int]link) ([]address, error) {
	var found []address
	err := k.listed(unix.NETLINK_ROUTE, unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), unix.SizeofIfAddrmsg,
		"addresses", func(head []byte, more attributes) {
			message := nl.DeserializeIfAddrmsg(head)
			length := int(message.Prefixlen)
			peer, ok := netip.AddrFromSlice(more.get(unix.IFA_ADDRESS))
			local, own := netip.AddrFromSlice(more.get(unix.IFA_LOCAL))
			if !own {
				local = peer
			}
			if !ok {
				peer = local
			}
			one := address{device: int(message.Index), local: netip.PrefixFrom(local, length), peer: netip.PrefixFrom(peer, length)}
			proto := more.get(ifaProto)
			one.kernels = local.IsLinkLocalUnicast() && local.Is6() && message.Scope == unix.RT_SCOPE_LINK &&
				(len(proto) == 1 && proto[0] == ifaProtoLL || fromMAC(local))
			found = append(found, one)
		})
	return found, err
}

// fromMAC reports whether an address is in modified EUI-64 form, which has ff:fe in its middle.
func fromMAC(address netip.Addr) bool {
	bytes := address.As16()
	return bytes[11] == 0xff && bytes[12] == 0xfe
}
