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
	// MustExist: the file is to be removed, and it is reported if it does not exist
	MustExist bool `json:"mustExist"`
}

// readFile returns the text from a byte offset on. If a growing log ends in the middle of a character, that character
// is left for the next call. So offsets in bytes of text stay correct.
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

// written lists the files that had to exist but did not.
type written struct {
	Absent []string `json:"absent"`
}

// writeFiles writes, links or removes each file, in order. Programs and links are replaced atomically.
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

// notThere also matches a path below something that is not a folder.
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
	// a process that is forked now would hold the file open for writing, and nobody could run it: "text file busy"
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

// writeInPlace overwrites an existing file, as an editor or `tee` does. It does not rename a new file into place, because a
// runtime may not notice that: the watch of containerd 1.6 on /etc/cni/net.d ignores the creation of files.
func (f file) writeInPlace(content []byte) error {
	if link, err := os.Lstat(f.NodePath); err == nil && !link.Mode().IsRegular() {
		if err := os.RemoveAll(f.NodePath); err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile(f.NodePath, content, f.mode()), os.Chmod(f.NodePath, f.mode()))
}

// bytes returns the content, decoded if it is base64. A JSON text cannot contain bytes that are not UTF-8.
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

// topOfFileSystem returns a folder in which a program or link can be prepared before it is renamed into the target
// folder. It is not the target folder itself, so that whoever lists or watches that folder sees only the one change.
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

// appendFile creates the file if it does not exist. It holds the fork lock: a process that is forked now would hold a
// program open for writing, and nobody could run it.
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
