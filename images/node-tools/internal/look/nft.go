package look

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

var nftFamilies = map[byte]string{
	unix.NFPROTO_INET: "inet", unix.NFPROTO_IPV4: "ip", unix.NFPROTO_ARP: "arp", unix.NFPROTO_NETDEV: "netdev",
	unix.NFPROTO_BRIDGE: "bridge", unix.NFPROTO_IPV6: "ip6",
}

// nft returns the tables that iptables-nft did not make, with their contents. The kernel is asked whether there are
// any. Only then the nft program is needed, and whoever made the tables needed it as well.
func nft(k *kernel, tool Tool) ([]Item, error) {
	tables, err := k.nftTables()
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, table := range tables {
		isIP := table.family == unix.NFPROTO_IPV4 || table.family == unix.NFPROTO_IPV6
		if isIP && iptablesTables[table.name] {
			continue
		}
		name := nftFamilies[table.family] + " " + table.name
		if !hasProgram("nft") {
			return nil, fmt.Errorf("there is an nftables table %q, and no nft program on the node to read it", name)
		}
		printed, err := tool("nft", "-s", "list", "table", nftFamilies[table.family], table.name)
		if err != nil {
			return nil, err
		}
		items = append(items, parseTable(name, printed)...)
	}
	return items, nil
}

func hasProgram(name string) bool {
	for _, folder := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if _, err := os.Stat(folder + "/" + name); err == nil {
			return true
		}
	}
	return false
}

// parseTable reads the output of `nft -s list table`: the table, in it chains, sets and maps, in a chain its rules.
func parseTable(name, printed string) []Item {
	items := []Item{{Kind: "nft", Name: name}}
	object := ""
	for _, line := range strings.Split(printed, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "table "):
		case line == "}":
			object = ""
		case object == "" && strings.HasSuffix(line, " {"):
			object = name + " " + strings.TrimSuffix(line, " {")
			items = append(items, Item{Kind: "nft", Name: object})
		case strings.HasPrefix(object, name+" chain ") && !isChainHead(line):
			items = append(items, Item{Kind: "nft", Name: object + " rule " + line})
		case object != "" && !strings.HasPrefix(object, name+" chain "):
			items = append(items, Item{Kind: "nft", Name: object + " " + line})
		}
	}
	return items
}

// isChainHead distinguishes a chain's properties from its rules.
func isChainHead(line string) bool {
	return strings.HasPrefix(line, "type ") && strings.Contains(line, " hook ") || strings.HasPrefix(line, "comment ")
}
