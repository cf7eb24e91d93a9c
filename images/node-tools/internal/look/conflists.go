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

// conflists are all network configurations that were ever seen on the node: those in the folder at any look, and
// those that the lab wrote. What a plugin leaves behind may belong to a configuration that is gone.
type conflists struct {
	runtime *cri.Runtime
	mutex   sync.Mutex
	// texts that are valid JSON; other files are no network configuration
	texts map[string]bool
	// folders are those that the configurations name for the plugins' data
	folders map[string]bool
}

func newConflists(runtime *cri.Runtime) *conflists {
	return &conflists{runtime: runtime, texts: map[string]bool{}, folders: map[string]bool{}}
}

// confFolders returns upstream's default folder, and the one that the runtime's configuration sets instead.
func (c *conflists) confFolders() []string {
	folders := []string{confFolder}
	named := c.runtime.Traits().CNIFolder
	setting := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(named.Key) + `\s*=\s*["']([^"'\n]+)["']`)
	for _, pattern := range named.Files {
		files, _ := filepath.Glob(pattern) // the only error is a bad pattern, and the lab writes the patterns
		for _, file := range files {
			config, _ := readRegular(file) // if it cannot be read, only the default is used
			for _, match := range setting.FindAllStringSubmatch(config, -1) {
				if folder := filepath.Clean(match[1]); folder != confFolder {
					folders = append(folders, folder)
				}
			}
		}
	}
	return folders
}

// look reads the current files in the folders.
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
			content, err := readRegular(filepath.Join(folder, entry.Name()))
			if err == nil { // otherwise it is a folder or a pipe, or was removed in the meantime
				c.remember(content)
			}
		}
	}
	return nil
}

// Written must be called for each file that the lab writes. So a file that is replaced before the next look is known
// too.
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

// dataFolder matches the keys that name a folder for a plugin's data: dataDir of host-local, tuning and flannel,
// cniDir of Multus, and similar keys of others. They are in plugins, in their ipam, and in what those delegate to.
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
			} else if key == "daemonSocketPath" { // the DHCP daemon's
				c.folders[folder] = true
			}
		}
	}
}

// known returns what has been seen so far.
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
