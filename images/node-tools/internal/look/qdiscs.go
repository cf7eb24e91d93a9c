package look

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	tcaKind     = 1
	tcHeadSize  = 20 // struct tcmsg
	tcAtRoot    = 0xffffffff
	tcAtIngress = 0xfffffff1
)

// readQdiscs leaves out the kernel's own, which have no number.
func readQdiscs(devices map[int]link) ([]attachment, error) {
	var found []attachment
	err := listed(unix.NETLINK_ROUTE, unix.RTM_GETQDISC, make([]byte, tcHeadSize), tcHeadSize, "qdiscs",
		func(head []byte, more attributes) {
			device, handle, parent := int(number(head[4:])), number(head[8:]), number(head[12:])
			if handle == 0 {
				return
			}
			where := fmt.Sprintf("parent %x:%x", parent>>16, parent&0xffff)
			switch parent {
			case tcAtRoot:
				where = "root"
			case tcAtIngress:
				where = ""
			}
			name := words(text(more.get(tcaKind)), where) + onDevice(devices[device].name)
			found = append(found, attachment{"qdisc", name, device})
		})
	return found, err
}
