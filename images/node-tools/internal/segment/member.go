package segment

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// device is the name of the interface on a node.
const device = "lab0"

// Member is one node's place in its group. lab/nodes/group.ts assigns the addresses.
type Member struct {
	Number    int      `json:"number"`
	Addresses []string `json:"addresses"`
	MAC       string   `json:"mac"`
	// Hosts are lines of /etc/hosts: the names of all nodes in the group.
	Hosts string `json:"hosts"`
}

// Connect gives the node an interface on the segment whose namespace is open as this descriptor. The calling process
// must be in the node's namespace. The descriptor stays open until the process ends, so that the segment stays too.
func (m Member) Connect(segment int) error {
	unix.CloseOnExec(segment)
	own, err := netns.Get()
	if err != nil {
		return err
	}
	defer own.Close()
	outside, err := netlink.NewHandleAt(netns.NsHandle(segment))
	if err != nil {
		return fmt.Errorf("could not reach the network of the nodes: %w", err)
	}
	defer outside.Close()
	attributes := netlink.NewLinkAttrs()
	attributes.Name = fmt.Sprintf("port%d", m.Number)
	port := &netlink.Veth{LinkAttrs: attributes, PeerName: device, PeerNamespace: netlink.NsFd(own)}
	if err := outside.LinkAdd(port); err != nil {
		return fmt.Errorf("could not connect the node to the others: %w", err)
	}
	master, err := outside.LinkByName(bridge)
	if err != nil {
		return err
	}
	if err := errors.Join(outside.LinkSetMaster(port, master), outside.LinkSetUp(port)); err != nil {
		return err
	}
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	return m.configure(link)
}

const deviceWithin = 20 * time.Second

// ConnectMachine does the same on a virtual machine, which has one network device, or had it before it was saved.
func (m Member) ConnectMachine() error {
	if err := loadDriver(); err != nil {
		return err
	}
	for deadline := time.Now().Add(deviceWithin); ; time.Sleep(2 * time.Millisecond) {
		link, err := machinesDevice()
		if err != nil {
			return err
		}
		if link != nil {
			return m.configure(link)
		}
		if time.Now().After(deadline) {
			return errors.New("the machine has no network device; " + whatIsNeeded)
		}
	}
}

func machinesDevice() (netlink.Link, error) {
	links, err := netlink.LinkList()
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, nil // devices come and go at this moment; the caller asks again
	}
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		// in a fresh machine, only this device is not a software device
		if link.Type() == "device" && link.Attrs().Flags&net.FlagLoopback == 0 {
			return link, nil
		}
	}
	return nil, nil
}

// configure sets everything on the device, whatever it had before.
func (m Member) configure(link netlink.Link) error {
	mac, err := net.ParseMAC(m.MAC)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetDown(link); err != nil {
		return err
	}
	if link.Attrs().Name != device {
		if err := netlink.LinkSetName(link, device); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetHardwareAddr(link, mac); err != nil {
		return err
	}
	before, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for i := range before {
		if err := netlink.AddrDel(link, &before[i]); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	for _, text := range m.Addresses {
		address, err := netlink.ParseAddr(text)
		if err != nil {
			return err
		}
		if address.IP.To4() == nil {
			if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
				continue // a host without IPv6
			}
			address.Flags = unix.IFA_F_NODAD // usable at once
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return fmt.Errorf("could not give %s the address %s: %w", device, text, err)
		}
	}
	return nil
}
