package look

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// family is IPv4 or IPv6, which have separate iptables programs.
type family struct {
	name, program string
	nft           byte
	legacyTables  string
}

var families = []family{
	{"ip", "iptables", unix.NFPROTO_IPV4, "/proc/net/ip_tables_names"},
	{"ip6", "ip6tables", unix.NFPROTO_IPV6, "/proc/net/ip6_tables_names"},
}

// iptablesTables are made by iptables-nft and listed by iptables-save, so they are not `nft` items.
var iptablesTables = map[string]bool{"filter": true, "nat": true, "mangle": true, "raw": true, "security": true}

// iptables returns rules and user chains, from each of the two kernel interfaces that has tables. If neither has any,
// no program is run: none is needed, and some create tables when they list them.
func iptables(k *kernel, tool Tool, before *saved) ([]Item, error) {
	tables, err := k.nftTables()
	if err != nil {
		return nil, err
	}
	type answer struct {
		items []Item
		err   error
	}
	answers := make(chan answer)
	asked := 0
	ask := func(family family, variant string) {
		asked++
		go func() {
			read := func() ([]Item, error) { return save(tool, family, variant) }
			if variant == "nft" {
				items, err := before.unlessSame(k, family.name, read)
				answers <- answer{items, err}
				return
			}
			items, err := read()
			answers <- answer{items, err}
		}()
	}
	for _, family := range families {
		if hasIptables(tables, family.nft) {
			ask(family, "nft")
		}
		if names, err := os.ReadFile(family.legacyTables); err == nil && len(names) > 0 {
			ask(family, "legacy")
		}
	}
	var items []Item
	for ; asked > 0; asked-- {
		answer := <-answers
		items, err = append(items, answer.items...), errors.Join(err, answer.err)
	}
	return items, err
}

func hasIptables(tables []table, family byte) bool {
	for _, table := range tables {
		if table.family == family && iptablesTables[table.name] {
			return true
		}
	}
	return false
}

func save(tool Tool, family family, variant string) ([]Item, error) {
	program, err := saver(family.program, variant)
	if err != nil {
		return nil, err
	}
	printed, err := tool(program)
	if err != nil {
		return nil, err
	}
	return parseSave(family.name, printed), nil
}

// saver finds the program that lists this variant, by its full name or because the plain name is a link to it.
func saver(program, variant string) (string, error) {
	for _, folder := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		full := fmt.Sprintf("%s/%s-%s-save", folder, program, variant)
		if _, err := os.Stat(full); err == nil {
			return full, nil
		}
		plain := fmt.Sprintf("%s/%s-save", folder, program)
		if leadsTo, err := filepath.EvalSymlinks(plain); err == nil && strings.Contains(filepath.Base(leadsTo), variant) {
			return plain, nil
		}
	}
	return "", fmt.Errorf("there are %s tables of the %s kind, and no %s-%s-save on the node to read them", program, variant, program, variant)
}

// parseSave reads the output of iptables-save: `*table`, `:CHAIN POLICY [counters]` and rules. A built-in chain has a
// policy, which is ACCEPT by default. A user chain has "-".
func parseSave(family, printed string) []Item {
	var items []Item
	table := ""
	for _, line := range strings.Split(printed, "\n") {
		switch {
		case strings.HasPrefix(line, "*"):
			table = line[1:]
		case strings.HasPrefix(line, ":"):
			name, policy, _ := strings.Cut(line[1:], " ")
			policy, _, _ = strings.Cut(policy, " ")
			switch policy {
			case "-":
				items = append(items, Item{Kind: "iptables", Name: family + " " + table + " -N " + name})
			case "", "ACCEPT":
			default:
				items = append(items, Item{Kind: "iptables", Name: family + " " + table + " -P " + name + " " + policy})
			}
		case strings.HasPrefix(line, "["): // with counters
			_, line, _ = strings.Cut(line, "] ")
			fallthrough
		case strings.HasPrefix(line, "-A "):
			items = append(items, Item{Kind: "iptables", Name: family + " " + table + " " + line})
		}
	}
	return items
}
