package recorder

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"cnilab/node-tools/internal/jsontext"
	"cnilab/node-tools/internal/standin"

	"golang.org/x/sys/unix"
)

// plugins holds the files in the plugin folder as they were when they were last seen.
type plugins struct {
	mutex sync.Mutex
	known map[string]stamp
	moved int
	// unrecorded is how many bytes of the stand-ins' file (see standin.UnrecordedOf) were reported
	unrecorded int
	troubles   map[string]bool
}

// stamp shows whether a file is unchanged.
type stamp struct {
	inode, size    uint64
	changedSeconds int64
	changedNanos   int64
}

// Cover puts a stand-in in place of each plugin that has none yet. It is called whenever something may have added
// plugins. It costs a few microseconds when there is nothing new.
//
// A stand-in is a script of one line that the kernel reads: `#!/lab/bin/cni-recorder /lab/plugins/3/bridge`. It can
// be renamed and copied like the plugin. The plugin keeps its name, in a folder of its own. A file that the kernel
// would not execute is left as it is, so that its caller gets the same error.
func (r *Recorder) Cover() {
	r.plugins.mutex.Lock()
	defer r.plugins.mutex.Unlock()
	r.reportUnrecorded()
	entries, err := os.ReadDir(r.Bin)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		r.trouble(err)
	}
	for _, entry := range entries {
		path := filepath.Join(r.Bin, entry.Name())
		if now, ok := stampOfFile(path); ok && r.plugins.known[path] == now {
			continue
		}
		if r.mayBeCalled(path) {
			if err := r.cover(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				r.trouble(fmt.Errorf("%s cannot be recorded: %w", path, err))
			}
		}
		if now, ok := stampOfFile(path); ok {
			r.plugins.known[path] = now
		}
	}
}

func stampOfFile(path string) (stamp, bool) {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return stamp{}, false
	}
	return stamp{stat.Ino, uint64(stat.Size), stat.Ctim.Sec, stat.Ctim.Nsec}, true
}

// mayBeCalled reports whether the kernel would start the file and the file is not a stand-in already.
func (r *Recorder) mayBeCalled(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 || strings.ContainsAny(path, "\n") {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	beginning := make([]byte, 256)
	count, _ := file.Read(beginning)
	first, _, _ := strings.Cut(string(beginning[:count]), "\n")
	if script, isScript := strings.CutPrefix(first, "#!"); isScript {
		words := strings.Fields(script)
		return len(words) > 0 && words[0] != r.Program && exists(words[0])
	}
	return isProgram(file)
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

func isProgram(file *os.File) bool {
	program, err := elf.NewFile(file)
	if err != nil || program.Machine != machines[runtime.GOARCH] {
		return false
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			interpreter := make([]byte, segment.Filesz)
			_, err := segment.ReadAt(interpreter, 0)
			return err == nil && exists(strings.TrimRight(string(interpreter), "\x00"))
		}
	}
	return true
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// cover replaces a plugin atomically: a call at the same time reaches either the plugin or the stand-in.
func (r *Recorder) cover(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	link, err := os.Lstat(path)
	if err != nil {
		return err
	}
	isLink := link.Mode()&os.ModeSymlink != 0
	if isLink && r.isInBin(target) {
		return nil // a call by this name reaches the target's stand-in
	}
	r.plugins.moved++
	folder := filepath.Join(r.Folder, strconv.Itoa(r.plugins.moved))
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	plugin := filepath.Join(folder, filepath.Base(path))
	if isLink {
		err = os.Symlink(target, plugin) // a relative link would be broken from here
	} else {
		err = os.Link(path, plugin)
	}
	if err != nil {
		return err
	}
	script := folder + "/stand-in"
	line := fmt.Sprintf("#!%s %s\n", r.Program, plugin)
	if err := errors.Join(os.WriteFile(script, []byte(line), 0o600), os.Chmod(script, info.Mode().Perm())); err != nil {
		return err
	}
	return os.Rename(script, path)
}

func (r *Recorder) isInBin(path string) bool {
	bin, err := filepath.EvalSymlinks(r.Bin)
	return err == nil && filepath.Dir(path) == bin
}

func (r *Recorder) trouble(err error) {
	if r.plugins.troubles == nil {
		r.plugins.troubles = map[string]bool{}
	}
	if !r.plugins.troubles[err.Error()] {
		r.plugins.troubles[err.Error()] = true
		r.Emit(Unrecorded{"unrecorded", jsontext.Text(err.Error())})
	}
}

// reportUnrecorded reports what stand-ins wrote about calls that did not reach the recorder.
func (r *Recorder) reportUnrecorded() {
	lines, err := os.ReadFile(standin.UnrecordedOf(r.Folder + "/1/any"))
	if err != nil || len(lines) <= r.plugins.unrecorded {
		return
	}
	r.Emit(Unrecorded{"unrecorded", jsontext.Text(lines[r.plugins.unrecorded:])})
	r.plugins.unrecorded = len(lines)
}
