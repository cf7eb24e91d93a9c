package session

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const greetedWithin = 15 * time.Second

// Main runs `agent session`: a command on a machine, on this terminal. The machine's sockets are in a folder.
func Main(args []string) error {
	flags := flag.NewFlagSet("session", flag.ContinueOnError)
	folder := flags.String("folder", "", "of the virtual machine")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *folder == "" || flags.NArg() == 0 {
		return errors.New("agent session needs --folder FOLDER -- COMMAND")
	}
	if err := os.Chdir(*folder); err != nil { // the path may be long, but the address of a socket has room for 107 bytes
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	code, err := run(port, flags.Args())
	if err != nil {
		return err
	}
	os.Exit(code)
	return nil
}

// freePort connects to one of the sockets. Each has a lock file: whoever holds the lock has the port. The kernel
// releases it when the process ends.
func freePort() (net.Conn, error) {
	for _, name := range []string{"session-1", "session-2"} {
		lock, err := os.OpenFile(name+".lock", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
			lock.Close()
			continue
		}
		port, err := net.Dial("unix", name)
		if err != nil {
			return nil, fmt.Errorf("could not reach the virtual machine: %w", err)
		}
		_ = port.SetReadDeadline(time.Now().Add(greetedWithin))
		if err := awaitGreeting(port); err != nil {
			return nil, fmt.Errorf("the virtual machine did not answer within %s: %w", greetedWithin, err)
		}
		_ = port.SetReadDeadline(time.Time{})
		return port, nil
	}
	return nil, errors.New("two commands run on this node by hand already, and it has no port for a third")
}

func awaitGreeting(from io.Reader) error {
	last := ""
	one := make([]byte, 1)
	for last != Greeting {
		if _, err := io.ReadFull(from, one); err != nil {
			return err
		}
		last += string(one)
		last = last[max(0, len(last)-len(Greeting)):]
	}
	return nil
}

func run(port net.Conn, argv []string) (int, error) {
	writer := NewWriter(port)
	request := Request{Argv: argv, Term: os.Getenv("TERM"), TTY: windowSize()}
	if request.TTY != nil {
		restore, err := rawTerminal()
		if err != nil {
			return 0, err
		}
		defer restore()
	}
	text, err := json.Marshal(request)
	if err == nil {
		err = writer.Frame(Command, text)
	}
	if err != nil {
		return 0, err
	}
	go passSignals(writer)
	go func() {
		writer.Copy(Input, os.Stdin)
		_ = writer.Frame(InputEnd, nil)
	}()
	for {
		kind, content, err := ReadFrame(port)
		if err != nil {
			return 0, fmt.Errorf("the virtual machine is gone: %w", err)
		}
		switch kind {
		case Output:
			_, _ = os.Stdout.Write(content)
		case Errors:
			_, _ = os.Stderr.Write(content)
		case Refuse:
			fmt.Fprintln(os.Stderr, strings.TrimSpace(string(content)))
			return 127, nil
		case Exit:
			return int(content[0]), nil
		}
	}
}

func passSignals(writer *Writer) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGWINCH)
	for one := range signals {
		if number := one.(syscall.Signal); number != syscall.SIGWINCH {
			_ = writer.Frame(Signal, []byte(unix.SignalName(number)))
		} else if text, err := json.Marshal(windowSize()); err == nil {
			_ = writer.Frame(WindowSize, text)
		}
	}
}

// windowSize returns nil if standard input is not a terminal.
func windowSize() *Size {
	size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
	if err != nil {
		return nil
	}
	return &Size{size.Row, size.Col}
}

// rawTerminal sends every key to the guest's terminal, including Ctrl-C.
func rawTerminal() (restore func(), err error) {
	before, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	raw := *before
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	return func() { _ = unix.IoctlSetTermios(0, unix.TCSETS, before) }, unix.IoctlSetTermios(0, unix.TCSETS, &raw)
}
