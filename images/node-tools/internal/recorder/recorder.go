// Package recorder records every call of a CNI plugin on a node. Each plugin in /opt/cni/bin is replaced by a
// stand-in (plugins.go), which connects to the recorder here. The recorder forwards everything that is read and
// written, and reports to the lab when a call starts and ends. It runs in the agent, so that it survives the end of a
// runtime or a plugin.
package recorder

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"cnilab/node-tools/internal/jsontext"
	"cnilab/node-tools/internal/standin"

	"golang.org/x/sys/unix"
)

// Started, Ended, Netns and Unrecorded correspond to CniCallStarted and its siblings in lab/observe/observation.ts.
type Started struct {
	Kind string `json:"kind"`
	Call int64  `json:"call"`
	// Within is the number of the call whose plugin made this one; 0 for none.
	Within int64                    `json:"within,omitempty"`
	Plugin jsontext.Text            `json:"plugin"`
	Path   jsontext.Text            `json:"path"`
	Verb   jsontext.Text            `json:"verb"`
	Env    map[string]jsontext.Text `json:"env"`
	// Netns is nil if the environment names no namespace.
	Netns  *NetnsOfCall  `json:"netns,omitempty"`
	Parent Process       `json:"parent"`
	Stdin  jsontext.Text `json:"stdin"`
	Cut    []string      `json:"cut,omitempty"`
	Time   string        `json:"time"`
}

// NetnsOfCall has no inode if the path does not lead to a namespace.
type NetnsOfCall struct {
	Path  jsontext.Text `json:"path"`
	Inode string        `json:"inode,omitempty"`
}

type Process struct {
	Pid  int           `json:"pid"`
	Name jsontext.Text `json:"name"`
}

type Ended struct {
	Kind     string  `json:"kind"`
	Call     int64   `json:"call"`
	ExitCode *int    `json:"exitCode"`
	Signal   *string `json:"signal"`
	// Stdin is set if more of it was read than Started has.
	Stdin      *jsontext.Text `json:"stdin,omitempty"`
	Stdout     jsontext.Text  `json:"stdout"`
	Stderr     jsontext.Text  `json:"stderr"`
	Cut        []string       `json:"cut,omitempty"`
	DurationMs float64        `json:"durationMs"`
	Time       string         `json:"time"`
}

type Netns struct {
	Kind   string        `json:"kind"`
	Change string        `json:"change"`
	Name   jsontext.Text `json:"name"`
	Time   string        `json:"time"`
}

// Unrecorded says that calls may be missing from the record.
type Unrecorded struct {
	Kind string        `json:"kind"`
	Why  jsontext.Text `json:"why"`
}

// recordLimit is how many bytes of each stream of a call are kept. All bytes are forwarded.
const recordLimit = 1 << 20

// inputWithin is how long the report of a call's start waits for the input to be complete.
const inputWithin = 100 * time.Millisecond

// Options say where things are on a node. Tests use other folders.
type Options struct {
	// Bin is the folder of the plugins, Folder the recorder's own folder, Program the program of the stand-ins.
	Bin, Folder, Program string
	// Netns is the folder of the network namespaces.
	Netns string
	Emit  func(record any)
}

// Recorder is the recorder of a node. It works from New on.
type Recorder struct {
	Options
	mutex sync.Mutex
	count int64
	// running calls, by the pid of the stand-in
	calls   map[int]*call
	plugins plugins
	// netnsMutex: only one goroutine at a time reads the kernel's events
	netnsMutex sync.Mutex
	drainNetns func() (isOpen bool)
}

// New starts to listen, watches the namespaces, and puts stand-ins in place of the existing plugins.
func New(options Options) (*Recorder, error) {
	r := &Recorder{Options: options, calls: map[int]*call{}, plugins: plugins{known: map[string]stamp{}}}
	if err := os.MkdirAll(r.Folder, 0o755); err != nil {
		return nil, err
	}
	socket := standin.SocketOf(r.Folder + "/1/any")
	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: socket, Net: "unixpacket"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o777); err != nil { // any user may call a plugin
		return nil, err
	}
	if err := r.watchNetns(); err != nil {
		return nil, err
	}
	go func() {
		for {
			connection, err := listener.AcceptUnix()
			if err != nil {
				return
			}
			go r.serve(connection)
		}
	}()
	r.Cover()
	return r, nil
}

// call is a running call.
type call struct {
	started Started
	began   time.Time
	// in is nil for a terminal, and then out and err are nil too
	in         *input
	out, err   *output
	mutex      sync.Mutex
	isReported bool
}

func (r *Recorder) serve(connection *net.UnixConn) {
	defer connection.Close()
	pid, theirs, names, err := receiveBegin(connection)
	if err != nil {
		r.Emit(Unrecorded{"unrecorded", jsontext.Text("a stand-in could not reach the recorder: " + err.Error())})
		return
	}
	one := r.newCall(pid, names)
	plugins, err := one.connect(theirs)
	if err != nil {
		r.Emit(Unrecorded{"unrecorded", jsontext.Text("a call of " + string(one.started.Plugin) + ": " + err.Error())})
		closeAll(theirs)
		return
	}
	r.add(pid, one)
	go r.reportInTime(one)
	_, _, err = connection.WriteMsgUnix([]byte{standin.Begin}, unix.UnixRights(plugins...), nil)
	closeAll(plugins)
	message := make([]byte, 4096)
	count := 0
	if err == nil {
		count, err = connection.Read(message)
	}
	ended := one.finish()
	switch {
	case err != nil || count == 0: // the stand-in was killed, and the plugin with it
		name := unix.SignalName(unix.SIGKILL)
		ended.Signal = &name
	case message[0] == standin.Ended && count == 5:
		status := syscall.WaitStatus(binary.LittleEndian.Uint32(message[1:]))
		if status.Signaled() {
			name := unix.SignalName(status.Signal())
			ended.Signal = &name
		} else {
			code := status.ExitStatus()
			ended.ExitCode = &code
		}
	default:
		code := 127
		ended.ExitCode = &code
		r.Emit(Unrecorded{"unrecorded", "a plugin could not be started: " + jsontext.Text(message[1:count])})
	}
	r.report(one)
	one.complete(&ended)
	r.Emit(ended)
	r.remove(pid)
	_, _ = connection.Write([]byte{standin.Ended})
}

// receiveBegin returns the pid of the stand-in, its three streams, and the paths of the plugin and of the script.
func receiveBegin(connection *net.UnixConn) (pid int, streams []int, names []string, err error) {
	message, rights := make([]byte, 16<<10), make([]byte, unix.CmsgSpace(3*4))
	count, rightsCount, _, _, err := connection.ReadMsgUnix(message, rights)
	if err != nil {
		return 0, nil, nil, err
	}
	if streams, err = standin.ParseStreams(rights[:rightsCount]); err != nil {
		return 0, nil, nil, err
	}
	for _, stream := range streams {
		unix.CloseOnExec(stream)
	}
	if pid, err = PeerOf(connection); err != nil {
		return 0, nil, nil, err
	}
	names = strings.SplitN(string(message[min(1, count):count]), "\x00", 2)
	if len(names) != 2 {
		return 0, nil, nil, unix.EPROTO
	}
	return pid, streams, names, nil
}

// PeerOf returns the process that has connected.
func PeerOf(connection *net.UnixConn) (pid int, err error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	if controlled := raw.Control(func(descriptor uintptr) {
		credentials, err = unix.GetsockoptUcred(int(descriptor), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); controlled != nil || err != nil {
		return 0, errors.Join(controlled, err)
	}
	return int(credentials.Pid), nil
}

func (r *Recorder) newCall(pid int, names []string) *call {
	now := time.Now()
	environment := environmentOf(pid)
	parent := parentOf(pid)
	started := Started{
		Kind: "cni-call-started", Plugin: jsontext.Text(filepath.Base(names[1])), Path: jsontext.Text(names[1]),
		Verb: environment["CNI_COMMAND"], Env: environment, Time: stampOf(now),
		Parent: Process{parent, jsontext.Text(nameOf(parent))},
	}
	if path, named := environment["CNI_NETNS"]; named {
		started.Netns = &NetnsOfCall{Path: path, Inode: inodeOf(string(path))}
	}
	return &call{started: started, began: now}
}

// add numbers the call and finds the call that it is within.
func (r *Recorder) add(pid int, one *call) {
	r.mutex.Lock()
	r.count++
	one.started.Call = r.count
	var within *call
	for ancestor := one.started.Parent.Pid; ancestor > 1 && within == nil; ancestor = parentOf(ancestor) {
		within = r.calls[ancestor]
	}
	r.calls[pid] = one
	r.mutex.Unlock()
	if within != nil {
		one.started.Within = within.started.Call
		r.report(within)
	}
}

func (r *Recorder) remove(pid int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.calls, pid)
}

// reportInTime reports the start of a call when its input is complete, or after inputWithin.
func (r *Recorder) reportInTime(one *call) {
	if one.in != nil {
		timer := time.NewTimer(inputWithin)
		defer timer.Stop()
		select {
		case <-one.in.done:
		case <-timer.C:
		}
	}
	r.report(one)
}

// report sends the start of a call, once.
func (r *Recorder) report(one *call) {
	one.mutex.Lock()
	defer one.mutex.Unlock()
	if one.isReported {
		return
	}
	one.isReported = true
	if one.in != nil {
		text, cut := one.in.kept()
		one.started.Stdin = jsontext.Text(text)
		if cut {
			one.started.Cut = []string{"stdin"}
		}
	}
	r.Emit(one.started)
}

// connect returns the plugin's ends of three pipes. A terminal is passed on as it is, and nothing of it is kept.
func (c *call) connect(theirs []int) ([]int, error) {
	if _, err := unix.IoctlGetTermios(theirs[0], unix.TCGETS); err == nil {
		return theirs, nil
	}
	var ends [3][2]int
	for stream := range ends {
		if err := unix.Pipe2(ends[stream][:], unix.O_CLOEXEC); err != nil {
			return nil, err
		}
	}
	in, err := newInput(theirs[0], ends[0][1])
	if err != nil {
		return nil, err
	}
	c.in = in
	c.out = newOutput(ends[1][0], theirs[1])
	c.err = newOutput(ends[2][0], theirs[2])
	return []int{ends[0][0], ends[1][1], ends[2][1]}, nil
}

// finish forwards what the plugin wrote until its end. What its children write later is forwarded but not kept.
func (c *call) finish() Ended {
	ended := Ended{Kind: "cni-call-ended", Call: c.started.Call}
	if c.in == nil {
		return ended
	}
	c.in.stop()
	for name, stream := range map[string]*output{"stdout": c.out, "stderr": c.err} {
		text, cut := stream.finish()
		if name == "stdout" {
			ended.Stdout = jsontext.Text(text)
		} else {
			ended.Stderr = jsontext.Text(text)
		}
		if cut {
			ended.Cut = append(ended.Cut, name)
		}
	}
	return ended
}

func (c *call) complete(ended *Ended) {
	now := time.Now()
	ended.DurationMs = float64(now.Sub(c.began).Microseconds()) / 1000
	ended.Time = stampOf(now)
	if c.in == nil {
		return
	}
	text, cut := c.in.kept()
	if jsontext.Text(text) != c.started.Stdin {
		whole := jsontext.Text(text)
		ended.Stdin = &whole
		if cut {
			ended.Cut = append(ended.Cut, "stdin")
		}
	}
}

func stampOf(now time.Time) string { return now.UTC().Format("2006-01-02T15:04:05.000000Z") }

// environmentOf returns the CNI variables. If one is set twice, the last one counts, as in Go and in shells.
func environmentOf(pid int) map[string]jsontext.Text {
	all := map[string]jsontext.Text{}
	raw, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	for _, one := range strings.Split(string(raw), "\x00") {
		if name, value, found := strings.Cut(one, "="); found && strings.HasPrefix(name, "CNI_") {
			all[name] = jsontext.Text(value)
		}
	}
	return all
}

func parentOf(pid int) int {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

func nameOf(pid int) string {
	name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	return strings.TrimSuffix(string(name), "\n")
}

// inodeOf identifies a namespace; empty if there is none.
func inodeOf(path string) string {
	var system unix.Statfs_t
	var stat unix.Stat_t
	if unix.Statfs(path, &system) != nil || system.Type != unix.NSFS_MAGIC || unix.Stat(path, &stat) != nil {
		return ""
	}
	return strconv.FormatUint(stat.Ino, 10)
}

func closeAll(descriptors []int) {
	for _, one := range descriptors {
		_ = unix.Close(one)
	}
}
