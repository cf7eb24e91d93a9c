package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"cnilab/node-tools/internal/session"

	"golang.org/x/sys/unix"
)

// outputWithin is how long to wait for the output of a command that has ended, if something that it left behind holds
// it open.
const outputWithin = 200 * time.Millisecond

// sessions serves a port of the machine: each connection on the host runs one command.
func (s *server) sessions(port *os.File) {
	for {
		if err := awaitConnection(port); err != nil {
			return
		}
		if _, err := port.WriteString(session.Greeting); err == nil {
			s.session(port)
		}
		_, _ = io.Copy(io.Discard, port) // until the other side has disconnected
	}
}

// awaitConnection waits without polling: the kernel wakes the readers of a port when its other end changes.
func awaitConnection(port *os.File) error {
	raw, err := port.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Write(func(descriptor uintptr) bool { // a connected port can be written to, and has nothing to read yet
		state := []unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLIN}}
		_, err := unix.Poll(state, 0)
		return err == nil && state[0].Revents&unix.POLLHUP == 0
	})
}

// command is a running command, with the lab's end of its streams. For a terminal, all three are the terminal.
type command struct {
	pid           int
	ended         <-chan syscall.WaitStatus
	in, out, errs *os.File
}

func (s *server) session(port *os.File) {
	writer := session.NewWriter(port)
	kind, content, err := session.ReadFrame(port)
	var request session.Request
	if err != nil || kind != session.Command || json.Unmarshal(content, &request) != nil {
		return
	}
	running, err := s.startCommand(request)
	if err != nil {
		_ = writer.Frame(session.Refuse, []byte(err.Error()))
		return
	}
	defer running.close()
	printed := make(chan struct{}, 2)
	for kind, stream := range map[byte]*os.File{session.Output: running.out, session.Errors: running.errs} {
		if stream == nil {
			printed <- struct{}{}
			continue
		}
		go func(kind byte, stream *os.File) {
			writer.Copy(kind, stream)
			printed <- struct{}{}
		}(kind, stream)
	}
	gone := make(chan struct{})
	go func() {
		running.obey(port)
		close(gone)
	}()
	var status syscall.WaitStatus
	select {
	case status = <-running.ended:
	case <-gone:
		_ = syscall.Kill(-running.pid, syscall.SIGHUP)
		_ = syscall.Kill(-running.pid, syscall.SIGKILL)
		_ = port.SetWriteDeadline(time.Now()) // nobody reads its output any more
		<-running.ended
		_ = port.SetWriteDeadline(time.Time{})
		return
	}
	late := time.After(outputWithin)
	for streams := 0; streams < 2; streams++ {
		select {
		case <-printed:
		case <-late:
			late = closed
		}
	}
	_ = writer.Frame(session.Exit, []byte{shellCode(status)})
	<-gone
}

var closed = func() <-chan time.Time {
	channel := make(chan time.Time)
	close(channel)
	return channel
}()

// obey handles frames until the other side disconnects.
func (c *command) obey(port io.Reader) {
	for {
		kind, content, err := session.ReadFrame(port)
		if err != nil {
			return
		}
		switch kind {
		case session.Input:
			_, _ = c.in.Write(content)
		case session.InputEnd:
			if c.in == c.out { // this key is how a terminal gets an end of input
				_, _ = c.in.Write([]byte{4})
			} else {
				_ = c.in.Close()
			}
		case session.Signal:
			_ = syscall.Kill(-c.pid, unix.SignalNum(string(content)))
		case session.WindowSize:
			var size session.Size
			if json.Unmarshal(content, &size) == nil {
				_ = setSize(c.in, size)
			}
		}
	}
}

func (c *command) close() {
	for _, stream := range []*os.File{c.in, c.out, c.errs} {
		if stream != nil {
			_ = stream.Close()
		}
	}
}

func (s *server) startCommand(request session.Request) (*command, error) {
	path, err := findProgram(request.Argv, nil)
	if err != nil {
		return nil, err
	}
	running := &command{}
	var theirs []*os.File
	sys := &syscall.SysProcAttr{Setsid: true}
	if request.TTY != nil {
		master, slave, err := openTerminal(*request.TTY)
		if err != nil {
			return nil, err
		}
		running.in, running.out = master, master
		theirs = []*os.File{slave, slave, slave}
		sys.Setctty = true
	} else if running.in, running.out, running.errs, theirs, err = threePipes(); err != nil {
		return nil, err
	}
	defer func() {
		for _, stream := range theirs {
			_ = stream.Close()
		}
	}()
	files := []uintptr{theirs[0].Fd(), theirs[1].Fd(), theirs[2].Fd()}
	env := Environment(map[string]string{"TERM": request.Term})
	running.pid, running.ended, err = s.processes.start(path, request.Argv, &syscall.ProcAttr{
		Dir: directory(""), Env: env, Files: files, Sys: sys,
	}, false)
	if err != nil {
		running.close()
		return nil, fmt.Errorf("could not run %s: %w", quote(request.Argv), err)
	}
	return running, nil
}

func threePipes() (in, out, errs *os.File, theirs []*os.File, err error) {
	theirIn, in, inErr := os.Pipe()
	out, theirOut, outErr := os.Pipe()
	errs, theirErrs, errsErr := os.Pipe()
	return in, out, errs, []*os.File{theirIn, theirOut, theirErrs}, errors.Join(inErr, outErr, errsErr)
}

func openTerminal(size session.Size) (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = setSize(master, size)
	}
	if err == nil {
		slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	return master, slave, err
}

func setSize(terminal *os.File, size session.Size) error {
	return unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Columns})
}

// shellCode is the exit code that a shell reports for a command.
func shellCode(status syscall.WaitStatus) byte {
	if status.Signaled() {
		return byte(128 + int(status.Signal()))
	}
	return byte(status.ExitStatus())
}
