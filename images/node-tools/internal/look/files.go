package look

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// entries lists a folder; one that is not there has none.
func entries(folder string) ([]string, error) {
	found, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	return names, nil
}

// netnsFiles: /var/run is a link to /run on a node, so this is all of them.
func netnsFiles() ([]Item, error) {
	names, err := entries("/run/netns")
	var items []Item
	for _, name := range names {
		items = append(items, Item{Kind: "netns", Name: name})
	}
	return items, err
}

const networks = "/var/lib/cni/networks"

// reservations reads what host-local keeps: a file for each address, named by it, that says for whom; and files of its own.
// https://github.com/containernetworking/plugins/blob/main/plugins/ipam/host-local/backend/disk/backend.go
func reservations() ([]Item, error) {
	names, err := entries(networks)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, network := range names {
		files, err := entries(filepath.Join(networks, network))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			item := Item{Kind: "ipam-state", Name: network + "/" + file}
			if net.ParseIP(file) != nil {
				content, err := os.ReadFile(filepath.Join(networks, network, file))
				if errors.Is(err, os.ErrNotExist) {
					continue // released a moment ago
				}
				if err != nil {
					return nil, err
				}
				item.Kind, item.Detail = "ipam", holder(string(content))
			}
			items = append(items, item)
		}
	}
	return items, nil
}

// holder parses "<container id>\r\n<interface>"; plugins before 0.8 wrote the id alone.
func holder(content string) map[string]string {
	lines := strings.Fields(content)
	detail := map[string]string{}
	if len(lines) > 0 {
		detail["id"] = lines[0]
	}
	if len(lines) > 1 {
		detail["ifname"] = lines[1]
	}
	return detail
}

func results() ([]Item, error) {
	var items []Item
	for _, folder := range []string{"/var/lib/cni/results", "/var/lib/cni/cache/results"} {
		names, err := entries(folder)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			items = append(items, Item{Kind: "cni-result", Name: name, Detail: map[string]string{"folder": folder}})
		}
	}
	return items, nil
}
