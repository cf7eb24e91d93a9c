package root

import (
	"fmt"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
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

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}
