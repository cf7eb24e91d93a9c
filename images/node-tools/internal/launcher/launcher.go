// Package launcher makes a bare node on the host. It outlives the lab only until the node is removed.
//
// It makes the node's cgroups, starts the node's first process in namespaces of its own, waits for its end and
// removes the cgroups. Only the first process has the lab's streams. They end when the lab ends, in any way. Then the
// process ends, and with it everything in its PID namespace, every mount and every link. If the launcher itself is
// killed, the kernel kills the first process (Pdeathsig). Then empty cgroups and the record remain, and a sweep
// removes them.
package launcher

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"cnilab/node-tools/internal/cgroup"
	"cnilab/node-tools/internal/confine"
	"cnilab/node-tools/internal/segment"

	"golang.org/x/sys/unix"
)

const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS |
	syscall.CLONE_NEWIPC | syscall.CLONE_NEWCGROUP

type layers []string

func (l *layers) String() string { return fmt.Sprint(*l) }

func (l *layers) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// Main runs `agent node`. The calling thread must be locked and must not end before the node does: Pdeathsig is sent
// when the thread that started the process ends.
func Main(args []string) error {
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	name := flags.String("name", "", "name of the node: its hostname, its cgroup, its record")
	artifacts := flags.String("artifacts", "", "folder to show at /lab/artifacts")
	stateDir := flags.String("state-dir", "", "folder for the records of nodes")
	limits := cgroup.Limits{}
	flags.Int64Var(&limits.MemoryBytes, "memory-bytes", 0, "what all processes of the node may take")
	flags.Int64Var(&limits.Processes, "processes", 0, "how many there may be")
	group := flags.Int("segment", 0, "process that holds the network of the node's group, if it is in one")
	member := flags.String("member", "", "the node's place in that group, as JSON")
	tmpfsBytes := flags.Int64("tmpfs-bytes", 0, "what each file system of the node may hold")
	unfiltered := flags.Bool(confine.Unfiltered, false, "without the filter of system calls")
	var trees layers
	flags.Var(&trees, "layer", "tree to lay over the host's programs; may be given several times")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *name == "" || *name != filepath.Base(*name) || *artifacts == "" || *stateDir == "" || limits.MemoryBytes <= 0 || limits.Processes <= 0 {
		return errors.New("agent node needs --name, --artifacts, --state-dir, --memory-bytes and --processes")
	}
	staging := filepath.Join(*stateDir, "root")
	if err := os.MkdirAll(staging, 0o755); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // the lab's stderr may be gone, and the launcher must still clean up

	// with the pid, because a lab with another records folder may have a node of the same name
	groups, err := cgroup.Plan(fmt.Sprintf("%s.%d", *name, os.Getpid()))
	if err != nil {
		return err
	}
	cache, err := lockShared(*artifacts)
	if err != nil {
		return err
	}
	defer cache.Close()
	record, err := newRecord(*stateDir, *name, groups, "")
	if err != nil {
		return err
	}
	init := []string{"init", "--name", *name, "--artifacts", *artifacts, "--staging", staging, "--keep-pipe", "3", "--tmpfs-bytes", strconv.FormatInt(*tmpfsBytes, 10)}
	for _, tree := range trees {
		init = append(init, "--layer", tree)
	}
	if *unfiltered {
		init = append(init, "--"+confine.Unfiltered)
	}
	if *group != 0 {
		init = append(init, "--member", *member)
	}
	err = run(&record, *stateDir, made{groups, limits, *group}, init, stop)
	return errors.Join(err, remove(record, *stateDir, groups))
}

// lockShared keeps others from removing a folder while the file is open. lab/artifacts/cache/cache.ts checks the lock
// first.
func lockShared(path string) (*os.File, error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_SH); err != nil {
		folder.Close()
		return nil, fmt.Errorf("could not lock %s: %w", path, err)
	}
	return folder, nil
}

// made is what the node's processes are in.
type made struct {
	groups []cgroup.Group
	limits cgroup.Limits
	// segment is the pid of the process that holds the network of the node's group; 0 for a single node
	segment int
}

func run(record *Record, stateDir string, node made, init []string, stop <-chan os.Signal) error {
	if err := cgroup.Enter(node.groups, node.limits); err != nil {
		return err
	}
	keepPipe, childsEnd, err := newKeepPipe()
	if err != nil {
		return err
	}
	flags := uintptr(namespaces)
	if node.segment != 0 { // the first process starts in the segment and then moves to a namespace of its own
		flags &^= syscall.CLONE_NEWNET
		if err := segment.Enter(node.segment); err != nil {
			return err
		}
	}
	child := &exec.Cmd{
		Path: record.Agent, Args: append([]string{"agent"}, init...), Env: []string{},
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, ExtraFiles: []*os.File{childsEnd},
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL},
	}
	if err := child.Start(); err != nil {
		return fmt.Errorf("could not start a process in new namespaces: %w", err)
	}
	childsEnd.Close()
	// in the background: the node does not need this to start
	cgroup.Leave(node.groups)
	if err := LetGoOf(0, 1); err != nil {
		return err
	}
	record.InitPid = child.Process.Pid
	if err := record.replace(stateDir); err != nil {
		return err
	}
	_ = os.Chdir("/")
	go func() {
		<-stop
		_ = child.Process.Kill()
	}()
	go keepWhenAsked(keepPipe, *record, stateDir)
	_ = child.Wait() // the readers of its streams know how it ended
	return nil
}

// keepWhenAsked waits until the node reports that it is kept. The record must say so before the lab gets its answer.
func keepWhenAsked(keepPipe *os.File, record Record, stateDir string) {
	line := make([]byte, 1)
	if _, err := keepPipe.Read(line); err != nil {
		return
	}
	record.Kept = true
	if err := record.replace(stateDir); err != nil {
		return // without an answer the node reports that it is not kept
	}
	_ = LetGoOf(2)
	_, _ = keepPipe.Write(line)
}

func newKeepPipe() (ours, childs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(pair[0]), "keep pipe"), os.NewFile(uintptr(pair[1]), "keep pipe"), nil
}

// LetGoOf replaces descriptors with /dev/null, so that the other end is closed for whoever reads or writes it.
func LetGoOf(descriptors ...int) error {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for _, descriptor := range descriptors {
		if err := unix.Dup3(int(null.Fd()), descriptor, 0); err != nil {
			return err
		}
	}
	return nil
}

// remove removes what the node was on the host. The record goes last, and only if nothing else is left.
func remove(record Record, stateDir string, groups []cgroup.Group) error {
	cgroup.Leave(groups)
	if err := errors.Join(cgroup.Remove(record.Cgroups, 5*time.Second), removeFolder(record.Folder)); err != nil {
		return err
	}
	return os.Remove(recordPath(stateDir, record.Name))
}
