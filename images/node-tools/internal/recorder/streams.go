package recorder

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// beginning keeps the first recordLimit bytes of a stream.
type beginning struct {
	mutex sync.Mutex
	text  []byte
	cut   bool
}

func (b *beginning) add(more []byte) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if room := recordLimit - len(b.text); len(more) > room {
		more, b.cut = more[:room], true
	}
	b.text = append(b.text, more...)
}

func (b *beginning) kept() (text string, cut bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return string(b.text), b.cut
}

// input forwards what a plugin reads. Its source may be any kind of file and is shared with the caller. So its flags
// are not changed, and it is read only when data is available.
type input struct {
	beginning
	from, to, wake int
	done           chan struct{}
}

func newInput(from, to int) (*input, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	in := &input{from: from, to: to, wake: wake, done: make(chan struct{})}
	go in.pass()
	return in, nil
}

// pass ends when the source ends or when nobody reads any more.
func (i *input) pass() {
	defer close(i.done)
	defer closeAll([]int{i.from, i.to})
	buffer := make([]byte, 32<<10)
	for {
		ready := []unix.PollFd{{Fd: int32(i.from), Events: unix.POLLIN}, {Fd: int32(i.to)}, {Fd: int32(i.wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err != nil {
			if err == unix.EINTR {
				continue
			}
			return
		}
		if ready[1].Revents != 0 || ready[2].Revents != 0 {
			return
		}
		count, err := unix.Read(i.from, buffer)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil || count <= 0 {
			return
		}
		i.add(buffer[:count])
		for rest := buffer[:count]; len(rest) > 0; {
			written, err := unix.Write(i.to, rest)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return
			}
			rest = rest[written:]
		}
	}
}

// stop is called when the plugin has ended.
func (i *input) stop() {
	_, _ = unix.Write(i.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-i.done
	_ = unix.Close(i.wake)
}

// output forwards what a plugin writes, for as long as a process has the plugin's end open.
type output struct {
	beginning
	from, to *os.File
	done     chan struct{}
	isOver   bool
}

func newOutput(from, to int) *output {
	_ = unix.SetNonblock(from, true) // nobody else has this end of the pipe
	out := &output{from: os.NewFile(uintptr(from), "plugin"), to: os.NewFile(uintptr(to), "caller"), done: make(chan struct{})}
	go out.pass()
	return out
}

func (o *output) pass() {
	defer close(o.done)
	buffer := make([]byte, 32<<10)
	for {
		count, err := o.from.Read(buffer)
		o.add(buffer[:count])
		if _, refused := o.to.Write(buffer[:count]); count > 0 && refused != nil {
			err = refused // nobody reads: the plugin must notice that as it would without a recorder
		}
		if os.IsTimeout(err) {
			return
		}
		if err != nil {
			o.close()
			return
		}
	}
}

func (o *output) close() {
	o.isOver = true
	_ = o.from.Close()
	_ = o.to.Close()
}

// finish is called when the plugin has ended. Everything it wrote is then in the pipe and is forwarded before this
// returns.
func (o *output) finish() (text string, cut bool) {
	_ = o.from.SetReadDeadline(time.Unix(1, 0))
	<-o.done
	if !o.isOver {
		_ = o.from.SetReadDeadline(time.Time{})
		if o.drain() {
			o.close()
		} else {
			go o.passUnseen()
		}
	}
	return o.kept()
}

// drain forwards what is in the pipe now and reports whether all writers have closed it.
func (o *output) drain() (ended bool) {
	return Drain(o.from, func(text []byte) error {
		o.add(text)
		_, err := o.to.Write(text)
		return err
	})
}

// Drain passes on what is in a pipe now and does not wait for more. It reports whether all writers have closed it. An
// error of take counts as the end.
func Drain(pipe *os.File, take func([]byte) error) (ended bool) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return true
	}
	buffer := make([]byte, 32<<10)
	_ = raw.Read(func(descriptor uintptr) bool {
		for {
			count, err := syscall.Read(int(descriptor), buffer)
			if err == syscall.EINTR {
				continue
			}
			if count <= 0 {
				ended = err != syscall.EAGAIN
				return true
			}
			if take(buffer[:count]) != nil {
				ended = true
				return true
			}
		}
	})
	return ended
}

// passUnseen continues for a child that the plugin left behind with its output open. Nothing of it is kept.
func (o *output) passUnseen() {
	_, _ = io.Copy(struct{ io.Writer }{o.to}, struct{ io.Reader }{o.from})
	o.close()
}
