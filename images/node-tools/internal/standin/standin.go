// Package standin is what runs in place of a recorded CNI plugin. It passes its three streams to the recorder in the
// agent and gets three pipes for them. It starts the plugin on these pipes and ends as the plugin ends. It imports
// little, because it is started for each call.
package standin

import (
	"encoding/binary"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SocketOf returns the socket of a plugin's recorder. Plugins are FOLDER/NUMBER/NAME, and the socket is
// FOLDER/socket.
func SocketOf(plugin string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(plugin)), "socket")
}

// UnrecordedOf returns the file that gets a line for each call that could not be recorded.
func UnrecordedOf(plugin string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(plugin)), "unrecorded")
}

// Messages of the stand-in to the recorder begin with one of these bytes.
const (
	// Begin carries the stand-in's own three streams. The answer carries the plugin's.
	Begin = 'b'
	// Ended carries the wait status of the plugin as four bytes. The answer comes when all its output has been
	// forwarded.
	Ended = 'e'
	// NotStarted carries the reason why the plugin could not be started.
	NotStarted = 'n'
)

// Main takes the arguments that the kernel gives to the interpreter of a script: this program, the path of the
// plugin, the path of the script, and the caller's arguments. It does not return.
func Main(args []string) {
	if len(args) < 3 {
		_, _ = syscall.Write(2, []byte("cni-recorder runs as the interpreter of a stand-in for a plugin\n"))
		syscall.Exit(2)
	}
	plugin, argv := args[1], args[2:]
	environment := givenEnvironment()
	recorder, streams, err := begin(plugin, argv[0])
	if err != nil {
		reportUnrecorded(plugin, err)
		err := syscall.Exec(plugin, argv, environment)
		refuse(plugin, err)
	}
	signals := make(chan os.Signal, 32)
	signal.Notify(signals, passedOn()...)
	pid, err := syscall.ForkExec(plugin, argv, &syscall.ProcAttr{
		Env: environment, Files: []uintptr{uintptr(streams[0]), uintptr(streams[1]), uintptr(streams[2])},
		Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	for _, stream := range streams {
		_ = syscall.Close(stream)
	}
	if err != nil {
		_ = unix.Sendmsg(recorder, append([]byte{NotStarted}, err.Error()...), nil, nil, unix.MSG_NOSIGNAL)
		refuse(plugin, err)
	}
	// closed here, so that the caller's streams stay open only while a process has the plugin's ends open
	for stream := 0; stream < 3; stream++ {
		_ = syscall.Close(stream)
	}
	go func() {
		for one := range signals {
			_ = syscall.Kill(pid, one.(syscall.Signal))
		}
	}()
	var status syscall.WaitStatus
	for {
		if _, err = syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
			break
		}
	}
	message := binary.LittleEndian.AppendUint32([]byte{Ended}, uint32(status))
	if unix.Sendmsg(recorder, message, nil, nil, unix.MSG_NOSIGNAL) == nil {
		_, _ = receive(recorder, make([]byte, 1))
	}
	if status.Signaled() {
		dieOf(status.Signal())
	}
	syscall.Exit(status.ExitStatus())
}

// begin passes the streams to the recorder and returns the plugin's.
func begin(plugin, script string) (recorder int, streams []int, err error) {
	recorder, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, nil, err
	}
	if err := unix.Connect(recorder, &unix.SockaddrUnix{Name: SocketOf(plugin)}); err != nil {
		return -1, nil, err
	}
	message := append([]byte{Begin}, plugin+"\x00"+script...)
	if err := unix.Sendmsg(recorder, message, unix.UnixRights(0, 1, 2), nil, unix.MSG_NOSIGNAL); err != nil {
		return -1, nil, err
	}
	streams, err = receiveStreams(recorder)
	return recorder, streams, err
}

func receiveStreams(socket int) ([]int, error) {
	rights := make([]byte, unix.CmsgSpace(3*4))
	for {
		_, count, _, _, err := unix.Recvmsg(socket, make([]byte, 1), rights, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		return ParseStreams(rights[:count])
	}
}

// ParseStreams reads the three file descriptors that come with a message.
func ParseStreams(rights []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	var streams []int
	for _, one := range messages {
		got, err := unix.ParseUnixRights(&one)
		if err != nil {
			return nil, err
		}
		streams = append(streams, got...)
	}
	if len(streams) != 3 {
		return nil, unix.EPROTO
	}
	return streams, nil
}

func receive(socket int, message []byte) (int, error) {
	for {
		if count, err := syscall.Read(socket, message); err != syscall.EINTR {
			return count, err
		}
	}
}

// givenEnvironment returns the environment as the caller set it. os.Environ drops variables that are set twice.
func givenEnvironment() []string {
	raw, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		return os.Environ()
	}
	var environment []string
	for from, at := 0, 0; at < len(raw); at++ {
		if raw[at] == 0 {
			environment = append(environment, string(raw[from:at]))
			from = at + 1
		}
	}
	return environment
}

// passedOn returns all signals that can be caught and that the caller does not ignore. SIGURG belongs to the Go
// runtime.
func passedOn() []os.Signal {
	var all []os.Signal
	for number := syscall.Signal(1); number < 65; number++ {
		switch number {
		case syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPIPE, 32, 33:
		default:
			if !signal.Ignored(number) {
				all = append(all, number)
			}
		}
	}
	return all
}

// dieOf ends this process by the signal that ended the plugin. It bypasses the Go runtime, which has its own
// handlers.
func dieOf(number syscall.Signal) {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // the plugin has already dumped its core
	var byDefault [4]uintptr
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(number), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	_ = syscall.Kill(syscall.Getpid(), number)
	select {}
}

func reportUnrecorded(plugin string, why error) {
	file, err := os.OpenFile(UnrecordedOf(plugin), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return
	}
	_, _ = file.WriteString(plugin + ": " + why.Error() + "\n")
	_ = file.Close()
}

// refuse is for a plugin that cannot be executed. Without a stand-in the caller would get this error.
func refuse(plugin string, why error) {
	_, _ = syscall.Write(2, []byte("exec "+plugin+": "+why.Error()+"\n"))
	syscall.Exit(127)
}
