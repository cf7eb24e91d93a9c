package recorder

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"cnilab/node-tools/internal/jsontext"

	"golang.org/x/sys/unix"
)

// DrainNetns reports every change up to now, so that no earlier change is reported after what is seen next.
func (r *Recorder) DrainNetns() {
	r.drainNetns()
}

// watchNetns reports which names of network namespaces appear and disappear, as `ip netns monitor` does. The folder
// may not exist yet. Then its parent is watched until it does.
func (r *Recorder) watchNetns() error {
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("cannot watch for network namespaces: %w", err)
	}
	above, name := filepath.Split(r.Netns)
	parent, err := unix.InotifyAddWatch(watch, above, unix.IN_CREATE|unix.IN_ONLYDIR)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	emit := func(change, name string) {
		if seen[name] == (change == "appeared") {
			return
		}
		seen[name] = change == "appeared"
		r.Emit(Netns{"netns", change, jsontext.Text(name), stampOf(time.Now())})
	}
	enter := func(isNew bool) {
		if _, err := unix.InotifyAddWatch(watch, r.Netns, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_DELETE|unix.IN_MOVED_FROM|unix.IN_ONLYDIR); err != nil {
			return
		}
		entries, _ := os.ReadDir(r.Netns)
		for _, entry := range entries {
			if isNew {
				emit("appeared", entry.Name())
			}
			seen[entry.Name()] = true
		}
	}
	enter(false)
	buffer := make([]byte, 64<<10)
	drain := func() (isOpen bool) {
		r.netnsMutex.Lock()
		defer r.netnsMutex.Unlock()
		for {
			count, err := unix.Read(watch, buffer)
			if err == unix.EINTR {
				continue
			}
			if err != nil || count <= 0 {
				return err == unix.EAGAIN
			}
			for at := 0; at+unix.SizeofInotifyEvent <= count; {
				event := (*unix.InotifyEvent)(unsafe.Pointer(&buffer[at]))
				at += unix.SizeofInotifyEvent
				entry := string(bytes.TrimRight(buffer[at:at+int(event.Len)], "\x00"))
				at += int(event.Len)
				switch {
				case event.Mask&unix.IN_Q_OVERFLOW != 0:
					r.Emit(Unrecorded{"unrecorded", "more network namespaces came and went than could be recorded"})
				case int(event.Wd) == parent:
					if entry == name {
						enter(true)
					}
				case event.Mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0:
					emit("appeared", entry)
				case event.Mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0:
					emit("disappeared", entry)
				}
			}
		}
	}
	r.drainNetns = drain
	go func() {
		for {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(watch), Events: unix.POLLIN}}, -1)
			if (err != nil && err != unix.EINTR) || !drain() {
				return
			}
		}
	}()
	return nil
}
