package root

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// On a node of kind the first process is systemd, which stays in its network namespace and keeps its state. For a reboot
// it is told to reboot at once: it stops nothing, and becomes its program for shutdowns. That program is this one
// meanwhile, which waits until the node is as after a power loss, and becomes systemd again.

const (
	shutdownProgram = "/lib/systemd/systemd-shutdown"
	// rebootAtOnce is SIGRTMIN+15 of the C library: https://www.freedesktop.org/software/systemd/man/latest/systemd.html#Signals
	rebootAtOnce = syscall.Signal(34 + 15)
	// HaltAtOnce is SIGRTMIN+13, for which systemd ends without stopping anything first.
	HaltAtOnce = syscall.Signal(34 + 13)
	// messages is a named pipe from the process that reboots the node to the first one
	messages = "/lab/.first-process"
	// stopsWithin is how long systemd may take to become another program.
	stopsWithin = 10 * time.Second
)

// message is what the first process is told when the node is ready to boot.
type message struct {
	// PID is a process in the namespaces of the rebooted node.
	PID int
	// Argv is the command that the first process becomes.
	Argv []string
}

// First is a first process that waits for the boot.
type First struct {
	pipe *os.File
	argv []string
}

// StopFirst stops systemd, and returns when nobody starts services any more.
func StopFirst() (*First, error) {
	text, err := os.ReadFile("/proc/1/cmdline")
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := mount(self, shutdownProgram, "", unix.MS_BIND, ""); err != nil {
		return nil, err
	}
	if err := unix.Mkfifo(messages, 0o600); err != nil {
		return nil, err
	}
	if err := unix.Kill(1, rebootAtOnce); err != nil {
		return nil, err
	}
	argv := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	for deadline := time.Now().Add(stopsWithin); ; time.Sleep(2 * time.Millisecond) {
		pipe, err := os.OpenFile(messages, os.O_WRONLY|unix.O_NONBLOCK, 0)
		if err == nil {
			return &First{pipe, argv}, os.Remove(messages)
		}
		if !errors.Is(err, unix.ENXIO) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("systemd did not stop within %s", stopsWithin)
		}
	}
}

// boot lets the first process enter the namespaces of this one and become systemd.
func (f *First) boot() error {
	return errors.Join(json.NewEncoder(f.pipe).Encode(message{os.Getpid(), f.argv}), f.pipe.Close())
}

// FirstProcess is what systemd becomes for a reboot. It returns the command that it is to become then.
func FirstProcess() ([]string, error) {
	if os.Getpid() != 1 {
		return nil, errors.New("only the first process of a node waits for a boot")
	}
	halt := make(chan os.Signal, 1)
	signal.Notify(halt, HaltAtOnce)
	go func() {
		<-halt
		os.Exit(0)
	}()
	go reapAll()
	pipe, err := os.Open(messages)
	if err != nil {
		return nil, err
	}
	var told message
	if err := json.NewDecoder(pipe).Decode(&told); err != nil {
		return nil, fmt.Errorf("nobody boots the node: %w", err)
	}
	pipe.Close()
	for name, kind := range map[string]uintptr{"net": unix.CLONE_NEWNET, "ipc": unix.CLONE_NEWIPC} {
		namespace, err := unix.Open(fmt.Sprintf("/proc/%d/ns/%s", told.PID, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_SETNS, uintptr(namespace), kind, 0); errno != 0 {
			return nil, fmt.Errorf("could not enter the namespace %s of process %d: %w", name, told.PID, errno)
		}
	}
	return told.Argv, nil
}

// reapAll takes the status of each orphan that ends. There is always a child, as the agent is below this process.
func reapAll() {
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
