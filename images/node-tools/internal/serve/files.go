package serve

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"unicode/utf8"
)

// file is NodeFile of lab/nodes/node.ts: a content, a link, or an absence.
type file struct {
	NodePath string  `json:"nodePath"`
	Content  *string `json:"content"`
	Mode     *uint32 `json:"mode"`
	LinkTo   string  `json:"linkTo"`
	Remove   bool    `json:"remove"`
}

// readFile returns the text from a byte offset on. A character of which only a part is written yet, at the end of a log
// that grows, is left for the next call, so that offsets counted in bytes of text stay right.
func readFile(path string, offset int64) (any, error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	if _, err := opened.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(opened)
	if err != nil {
		return nil, err
	}
	return map[string]string{"content": string(wholeCharacters(content))}, nil
}

func wholeCharacters(content []byte) []byte {
	for back := 1; back < utf8.UTFMax && back <= len(content); back++ {
		if last := content[len(content)-back:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return content[:len(content)-back]
			}
			break
		}
	}
	return content
}

// writeFiles brings each file about, in order, so that a reader sees the old or the new one and nothing between.
func writeFiles(files []file) error {
	for _, wanted := range files {
		if err := wanted.bringAbout(); err != nil {
			return fmt.Errorf("could not write %s: %w", wanted.NodePath, err)
		}
	}
	return nil
}

func (f file) bringAbout() error {
	if !filepath.IsAbs(f.NodePath) || filepath.Clean(f.NodePath) == "/" {
		return errors.New("not an absolute path of a file")
	}
	if f.Remove {
		return os.RemoveAll(f.NodePath)
	}
	folder := filepath.Dir(f.NodePath)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(topOfFileSystem(folder), ".cnilab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	made := temporary + "/file"
	// a process forked meanwhile would hold the file open for writing, and nobody could run it: "text file busy"
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if f.Content == nil {
		err = os.Symlink(f.LinkTo, made)
	} else {
		mode := os.FileMode(0o644)
		if f.Mode != nil {
			mode = os.FileMode(*f.Mode).Perm()
		}
		err = errors.Join(os.WriteFile(made, []byte(*f.Content), mode), os.Chmod(made, mode))
	}
	if err != nil {
		return err
	}
	return os.Rename(made, f.NodePath)
}

// topOfFileSystem is where a file can be made and then be renamed into the folder. Not the folder itself: containerd
// watches /etc/cni/net.d and loads it again for every change, so there must be one change and not five.
func topOfFileSystem(folder string) string {
	top := folder
	for {
		parent := filepath.Dir(top)
		if parent == top || deviceOf(parent) != deviceOf(folder) {
			return top
		}
		top = parent
	}
}

func deviceOf(path string) uint64 {
	var stat syscall.Stat_t
	_ = syscall.Stat(path, &stat)
	return uint64(stat.Dev)
}
