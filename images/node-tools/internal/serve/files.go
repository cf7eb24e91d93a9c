package serve

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"unicode/utf8"

	"cnilab/node-tools/internal/jsontext"
)

// file is NodeFile of lab/nodes/node.ts: a content, a link, or an absence.
type file struct {
	NodePath string  `json:"nodePath"`
	Content  *string `json:"content"`
	Encoding string  `json:"encoding"`
	Mode     *uint32 `json:"mode"`
	LinkTo   string  `json:"linkTo"`
	Remove   bool    `json:"remove"`
	// MustExist: one that is to be removed and is not there is reported
	MustExist bool `json:"mustExist"`
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
	return map[string]jsontext.Text{"content": jsontext.Text(wholeCharacters(content))}, nil
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

// written says which of the files that had to exist did not.
type written struct {
	Absent []string `json:"absent"`
}

// writeFiles brings each file about, in order. Of programs and links a reader sees the old or the new one, nothing between.
func writeFiles(files []file) (*written, error) {
	done := &written{Absent: []string{}}
	for _, wanted := range files {
		if _, err := os.Lstat(wanted.NodePath); wanted.MustExist && notThere(err) {
			done.Absent = append(done.Absent, wanted.NodePath)
			continue
		}
		if err := wanted.bringAbout(); err != nil {
			return nil, fmt.Errorf("could not write %s: %w", wanted.NodePath, err)
		}
	}
	return done, nil
}

// notThere is also what lies below something that is no folder.
func notThere(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func (f file) bringAbout() error {
	if !filepath.IsAbs(f.NodePath) || filepath.Clean(f.NodePath) == "/" {
		return errors.New("not an absolute path of a file")
	}
	if f.Remove {
		return os.RemoveAll(f.NodePath)
	}
	content, err := f.bytes()
	if err != nil {
		return err
	}
	folder := filepath.Dir(f.NodePath)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if f.Content != nil && !f.executable() {
		return f.writeInPlace(content)
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
		err = errors.Join(os.WriteFile(made, content, f.mode()), os.Chmod(made, f.mode()))
	}
	if err != nil {
		return err
	}
	return os.Rename(made, f.NodePath)
}

// writeInPlace writes as an editor or `tee` does, over what is there: a file that is renamed to its place is one that
// a runtime may not notice (containerd 1.6), as its watch on /etc/cni/net.d leaves out the making of files.
func (f file) writeInPlace(content []byte) error {
	if link, err := os.Lstat(f.NodePath); err == nil && !link.Mode().IsRegular() {
		if err := os.RemoveAll(f.NodePath); err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile(f.NodePath, content, f.mode()), os.Chmod(f.NodePath, f.mode()))
}

// bytes are those of the content: itself, or what it is in base64, as a JSON text holds no bytes that are not UTF-8.
func (f file) bytes() ([]byte, error) {
	if f.Content == nil {
		return nil, nil
	}
	if f.Encoding == "base64" {
		return base64.StdEncoding.DecodeString(*f.Content)
	}
	return []byte(*f.Content), nil
}

func (f file) mode() os.FileMode {
	if f.Mode == nil {
		return 0o644
	}
	return os.FileMode(*f.Mode).Perm()
}

func (f file) executable() bool { return f.mode()&0o111 != 0 }

// topOfFileSystem is where a program or a link can be made and then be renamed into the folder. Not the folder itself,
// so that nobody who lists or watches it sees anything but the one change.
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

// appendFile makes the file if it is not there. Under the lock: a process forked meanwhile would hold a program open for
// writing, and nobody could run it.
func appendFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	opened, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, mode)
	if err != nil {
		return err
	}
	_, err = opened.Write(content)
	return errors.Join(err, opened.Close())
}
