package look

import (
	"errors"
	"os"
	"strings"
)

const sysctlFolder = "/proc/sys/"

// sysctlNames returns the sysctls that container plugins are known to write: for all devices, for new devices, and
// for the devices that the node has at the start. Those that follow from another one are not included.
func sysctlNames(devices []string) []string {
	names := []string{
		"net/ipv4/ip_forward", "net/ipv4/ip_nonlocal_bind", "net/ipv6/conf/all/forwarding",
		"net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables", "net/bridge/bridge-nf-call-arptables",
	}
	for _, device := range append([]string{"all", "default"}, devices...) {
		for _, name := range []string{"rp_filter", "proxy_arp", "route_localnet", "accept_local", "arp_ignore", "arp_announce", "src_valid_mark"} {
			names = append(names, "net/ipv4/conf/"+device+"/"+name)
		}
		for _, name := range []string{"disable_ipv6", "accept_ra", "accept_dad", "proxy_ndp"} {
			names = append(names, "net/ipv6/conf/"+device+"/"+name)
		}
	}
	return names
}

// readSysctls returns the values of those that this kernel has.
func readSysctls(names []string) (map[string]string, error) {
	values := map[string]string{}
	for _, name := range names {
		value, err := readWhole(sysctlFolder + name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		values[name] = strings.TrimSpace(value)
	}
	return values, nil
}

// changed returns those whose value differs from the start. One that the kernel did not have at the start came with a
// module.
func changed(atStart, now map[string]string) []Item {
	var items []Item
	for name, value := range now {
		if before, known := atStart[name]; known && before != value {
			items = append(items, Item{Kind: "sysctl", Name: strings.ReplaceAll(name, "/", ".") + " = " + value, Detail: map[string]string{"was": before}})
		}
	}
	return items
}
