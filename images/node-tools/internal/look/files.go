package look

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// networks is host-local's default data folder.
const networks = "/var/lib/cni/networks"

// resultFolders are the folders in which libcni caches the plugins' results.
var resultFolders = []string{"/var/lib/cni/results", "/var/lib/cni/cache/results"}

// places are the folders in which plugins write, besides those in their configuration.
var places = []string{"/var/lib/cni", "/run", "/tmp"}

// notEntered returns the folders below the places to which no plugin writes. The runtime's own state is listed as
// `sandbox`, `container` and `shim`.
func notEntered(stateFolders []string) map[string]bool {
	folders := map[string]bool{
		"/run/netns":   true, // listed as `netns`
		"/run/lock":    true, // system programs
		"/run/systemd": true,
		"/run/log":     true, // systemd's journal
	}
	for _, folder := range stateFolders {
		folders[folder] = true
	}
	return folders
}

// madeOnce are files that programs of plugins create at the first call and keep on purpose.
var madeOnce = map[string]bool{
	"/run/xtables.lock":  true, // iptables
	"/run/ebtables.lock": true,
}

// halfway is the prefix of folders in which the agent prepares a program or a link before it renames it into place.
const halfway = ".cnilab-"

// mostFiles is the maximum number of file names that one look reads.
const mostFiles = 20000

// netnsFiles lists all network namespaces with a name. On a node /var/run is a link to /run.
func netnsFiles() ([]Item, error) {
	found, err := entries("/run/netns")
	var items []Item
	for _, entry := range found {
		items = append(items, Item{Kind: "netns", Name: entry.Name()})
	}
	return items, err
}

// entries lists a folder. If the path does not exist or is not a folder, the list is empty.
func entries(folder string) ([]os.DirEntry, error) {
	found, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return found, err
}

// files returns every file in the places and in the configured folders. Folders are not listed: plugins keep theirs.
func (l *Looker) files() ([]Item, error) {
	if err := l.conflists.look(); err != nil {
		return nil, err
	}
	_, folders := l.conflists.known()
	walk := walk{
		dataFolders: append([]string{networks}, folders...),
		notEntered:  notEntered(l.runtime.Traits().StateFolders),
	}
	for _, root := range rootsOf(folders, walk.notEntered) {
		if err := walk.enter(root); err != nil {
			return nil, err
		}
	}
	return walk.items, nil
}

// rootsOf returns the places, and the folders that are not below one of them.
func rootsOf(folders []string, notEntered map[string]bool) []string {
	roots := append([]string{}, places...)
	for _, folder := range folders { // sorted, so that a folder comes before those below it
		if !isCovered(folder, roots, notEntered) {
			roots = append(roots, folder)
		}
	}
	return roots
}

func isCovered(folder string, roots []string, notEntered map[string]bool) bool {
	for _, root := range roots {
		if !isBelow(folder, root) {
			continue
		}
		for path := folder; ; path = filepath.Dir(path) {
			if path == root {
				return true
			}
			if notEntered[path] {
				break
			}
		}
	}
	return false
}

type walk struct {
	dataFolders []string
	notEntered  map[string]bool
	items       []Item
}

func (w *walk) enter(path string) error {
	found, err := entries(path)
	if errors.Is(err, syscall.ENOTDIR) { // a configured path may be a file or a socket
		return w.file(path)
	}
	if err != nil {
		return err
	}
	for _, entry := range found {
		below := path + "/" + entry.Name()
		switch {
		case madeOnce[below]:
		case !entry.IsDir():
			err = w.file(below)
		case !w.notEntered[below] && !strings.HasPrefix(entry.Name(), halfway):
			err = w.enter(below)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) file(path string) error {
	if len(w.items) == mostFiles {
		return fmt.Errorf("there are more than %d files", mostFiles)
	}
	item, err := w.itemOf(path)
	if errors.Is(err, os.ErrNotExist) { // removed in the meantime
		return nil
	}
	w.items = append(w.items, item)
	return err
}

func (w *walk) itemOf(path string) (Item, error) {
	folder, name := filepath.Split(path)
	folder = filepath.Clean(folder)
	for _, results := range resultFolders {
		if folder == results {
			return Item{Kind: "cni-result", Name: name, Detail: map[string]string{"folder": folder}}, nil
		}
	}
	dataFolder, network := filepath.Split(folder)
	dataFolder = filepath.Clean(dataFolder)
	for _, known := range w.dataFolders {
		if dataFolder == known {
			return reservation(dataFolder, network, name)
		}
	}
	return Item{Kind: "file", Name: path}, nil
}

var hostLocalsOwn = regexp.MustCompile(`^(?:lock|last_reserved_ip\..*)$`)

// reservation reads what host-local stores for a network: one file for each address, which is its name, with the
// holder as its content, and some files of its own.
// https://github.com/containernetworking/plugins/blob/main/plugins/ipam/host-local/backend/disk/backend.go
func reservation(dataFolder, network, name string) (Item, error) {
	item := Item{Kind: "file", Name: filepath.Join(dataFolder, network, name)}
	switch {
	case net.ParseIP(name) != nil:
		content, err := readRegular(item.Name)
		if err != nil {
			return item, err
		}
		item = Item{Kind: "ipam", Name: network + "/" + name, Detail: holder(content)}
	case hostLocalsOwn.MatchString(name):
		item = Item{Kind: "ipam-state", Name: network + "/" + name}
	default:
		return item, nil
	}
	if dataFolder != networks {
		item.addDetail("folder", dataFolder)
	}
	return item, nil
}

// holder parses "<container id>\r\n<interface>". Plugins before 0.8 wrote only the id.
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
