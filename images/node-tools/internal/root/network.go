package root

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Network brings loopback up in a network namespace that has nothing else, and sets the sysctls that a new namespace
// copies from the host: net.ipv4 starts with the host's values, so results would depend on the machine.
func Network() error {
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("could not bring loopback up: %w", err)
	}
	for _, sysctl := range []struct{ path, value string }{
		{"ipv4/ip_forward", "0"},
		{"ipv4/conf/all/rp_filter", "0"},
		{"ipv4/conf/default/rp_filter", "0"},
		{"ipv6/conf/all/disable_ipv6", "0"},
		{"ipv6/conf/default/disable_ipv6", "0"},
	} {
		path := "/proc/sys/net/" + sysctl.path
		// a host without IPv6 has no such file, and its nodes have no IPv6
		if now, err := os.ReadFile(path); err != nil || strings.TrimSpace(string(now)) == sysctl.value {
			continue
		}
		if err := os.WriteFile(path, []byte(sysctl.value), 0); err != nil {
			return err
		}
	}
	return nil
}

// WithoutWayOut removes the default routes of a network that a container engine has made. Nodes of a cluster reach each
// other in it, and nothing else.
func WithoutWayOut() error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, route := range routes {
		if route.Gw == nil {
			continue
		}
		if err := netlink.RouteDel(&route); err != nil {
			return fmt.Errorf("could not remove the route %s: %w", route, err)
		}
	}
	return nil
}

// EngineDevice is a network device that a container engine has given to a node, with what it has set on it.
type EngineDevice struct {
	name      string
	index     int
	addresses []netlink.Addr
	routes    []netlink.Route
	// sysctls are by their paths
	sysctls map[string]string
}

// EngineDevices reads all devices of a node but loopback. Call it before anything runs on the node.
func EngineDevices() ([]EngineDevice, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	var devices []EngineDevice
	for _, link := range links {
		if link.Attrs().Flags&net.FlagLoopback != 0 {
			continue
		}
		addresses, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		if err != nil {
			return nil, err
		}
		routes, err := netlink.RouteList(link, netlink.FAMILY_ALL)
		if err != nil {
			return nil, err
		}
		name := link.Attrs().Name
		devices = append(devices, EngineDevice{name, link.Attrs().Index, addresses, routes, sysctlsOf(name)})
	}
	return devices, nil
}

// sysctlsOf reads what can be set for one device. What cannot be read, such as stable_secret, is left out.
func sysctlsOf(device string) map[string]string {
	values := map[string]string{}
	paths, _ := filepath.Glob("/proc/sys/net/ipv[46]/conf/" + device + "/*") // the pattern is well-formed
	for _, path := range paths {
		if value, err := os.ReadFile(path); err == nil {
			values[path] = string(value)
		}
	}
	return values
}

// restore sets a device up again in another network namespace, where it has lost everything but its name.
func (d EngineDevice) restore() error {
	link, err := netlink.LinkByName(d.name)
	if err != nil {
		return err
	}
	for path, value := range sysctlsOf(d.name) {
		before, known := d.sysctls[path]
		if !known || before == value {
			continue
		}
		if err := os.WriteFile(path, []byte(before), 0); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	for _, address := range d.addresses {
		if address.IP.IsLinkLocalUnicast() {
			continue // the kernel's own
		}
		if err := netlink.AddrReplace(link, &address); err != nil {
			return fmt.Errorf("could not set the address %s of %s again: %w", address.IPNet, d.name, err)
		}
	}
	for _, route := range d.routes {
		if route.Protocol == unix.RTPROT_KERNEL {
			continue
		}
		route.LinkIndex = link.Attrs().Index
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("could not set the route %s of %s again: %w", route, d.name, err)
		}
	}
	return nil
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}
