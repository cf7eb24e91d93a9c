package look

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"

	"cnilab/node-tools/internal/cri"
)

const confFolder = "/etc/cni/net.d"

// conflists are the network configurations that were ever on the node, as far as anybody could see them: those in the
// folder at some look, and those that the lab itself wrote. What a plugin leaves may be from one that is gone.
type conflists struct {
	runtime *cri.Runtime
	mutex   sync.Mutex
	// texts that are JSON; others make no network
	texts map[string]bool
	// folders that they name for the plugins' own data
	folders map[string]bool
}

func newConflists(runtime *cri.Runtime) *conflists {
	return &conflists{runtime: runtime, texts: map[string]bool{}, folders: map[string]bool{}}
}

// confFolders are upstream's default, and what the runtime's configuration has in its place.
func (c *conflists) confFolders() []string {
	folders := []string{confFolder}
	named := c.runtime.Traits().CNIFolder
	setting := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(named.Key) + `\s*=\s*["']([^"'\n]+)["']`)
	for _, pattern := range named.Files {
		files, _ := filepath.Glob(pattern) // a pattern that is none is one of the lab's own
		for _, file := range files {
			config, _ := os.ReadFile(file) // without one there is only the default
			for _, match := range setting.FindAllStringSubmatch(string(config), -1) {
				if folder := filepath.Clean(match[1]); folder != confFolder {
					folders = append(folders, folder)
				}
			}
		}
	}
	return folders
}

// look reads what is in the folders now.
func (c *conflists) look() error {
	for _, folder := range c.confFolders() {
		entries, err := os.ReadDir(folder)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, entry := range entries {
			content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			if err == nil { // a folder, or gone meanwhile
				c.remember(string(content))
			}
		}
	}
	return nil
}

// Written must be called for each file that the lab writes: one that is replaced before the next look is known too.
func (l *Looker) Written(nodePath, content string) {
	for _, folder := range l.conflists.confFolders() {
		if filepath.Dir(filepath.Clean(nodePath)) == folder {
			l.conflists.remember(content)
		}
	}
}

func (c *conflists) remember(text string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var content any
	if c.texts[text] || json.Unmarshal([]byte(text), &content) != nil {
		return
	}
	c.texts[text] = true
	c.walk(content)
}

// dataFolder are the keys that name a folder for a plugin's data: host-local's and tuning's dataDir, flannel's dataDir,
// Multus' cniDir, and what others call alike. They stand in plugins, in their ipam, and in what those delegate to.
var dataFolder = regexp.MustCompile(`(?i)^(?:data|cni|cache|state)_?dir$`)

func (c *conflists) walk(value any) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			c.walk(one)
		}
	case map[string]any:
		for key, one := range value {
			c.walk(one)
			folder, isText := one.(string)
			if !isText || !filepath.IsAbs(folder) {
				continue
			}
			if folder = filepath.Clean(folder); dataFolder.MatchString(key) && folder != "/" {
				c.folders[folder] = true
			} else if key == "daemonSocketPath" { // of the DHCP daemon
				c.folders[folder] = true
			}
		}
	}
}

// known returns what was seen so far.
func (c *conflists) known() (texts, folders []string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return keys(c.texts), keys(c.folders)
}

func keys[V any](set map[string]V) []string {
	all := make([]string, 0, len(set))
	for key := range set {
		all = append(all, key)
	}
	sort.Strings(all)
	return all
}

func isBelow(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }
