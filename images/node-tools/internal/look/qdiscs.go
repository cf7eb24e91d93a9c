package look

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// readQdiscs leaves out the kernel's own qdiscs, which have no handle.
func (k *kernel) readQdiscs(devices map[int]link) ([]attachment, error) {
	var found []attachment
	err := k.listed(unix.NETLINK_ROUTE, unix.RTM_GETQDISC, make([]byte, nl.SizeofTcMsg), nl.SizeofTcMsg, "qdiscs",
		func(head []byte, more attributes) {
			message := nl.DeserializeTcMsg(head)
			device, parent := int(message.Ifindex), message.Parent
			if message.Handle == 0 {
				return
			}
			where := fmt.Sprintf("parent %x:%x", parent>>16, parent&0xffff)
			switch parent {
			case netlink.HANDLE_ROOT:
				where = "root"
			case netlink.HANDLE_INGRESS:
				where = ""
			}
			name := words(text(more.get(nl.TCA_KIND)), where) + onDevice(devices[device].name)
			found = append(found, attachment{"qdisc", name, device})
		})
	return found, err
}
