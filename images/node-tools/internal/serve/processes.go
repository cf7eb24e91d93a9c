package serve

import (
	"fmt"
	"maps"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// processes starts children and reaps all processes. The agent is the first process of its PID namespace, so it is
// also the parent of every orphan. One loop reaps them all and passes the status of a child to the goroutine that
// waits for it. os/exec is not used, because its Wait and this loop would take each other's statuses.
type processes struct {
	mutex sync.Mutex
	// children are those that run, and those whose end nobody has asked for yet
	children map[int]*child
	// services are processes of systemd that the lab has started
	services map[int]bool
}

type child struct {
	ended chan syscall.WaitStatus
	// background is a process that was started to stay: what it starts does not belong to the lab
	background bool
}

func newProcesses() *processes {
	p := &processes{children: map[int]*child{}, services: map[int]bool{}}
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go func() {
		for range died {
			p.reap()
		}
	}()
	return p
}

func (p *processes) reap() {
	for p.reapOne() {
	}
}

// reapOne takes the lock before it takes a status. A child may end before start has put it into the map. And the pid
// of a child in the map must not be reused.
func (p *processes) reapOne() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
	if err != nil || pid <= 0 {
		return err == syscall.EINTR
	}
	if child := p.children[pid]; child != nil {
		delete(p.children, pid)
		child.ended <- status // buffered, so this does not block
	}
	return true
}

// start runs a program in a session of its own, so that a signal reaches everything that it started and nothing else.
func (p *processes) start(path string, argv []string, attributes *syscall.ProcAttr, background bool) (int, <-chan syscall.WaitStatus, error) {
	if attributes.Sys == nil {
		attributes.Sys = &syscall.SysProcAttr{Setsid: true}
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	pid, err := syscall.ForkExec(path, argv, attributes)
	if err != nil {
		return 0, nil, err
	}
	started := &child{make(chan syscall.WaitStatus, 1), background}
	p.children[pid] = started
	return pid, started.ended, nil
}

// signal sends a signal to a background process, and does nothing if it has ended. The pid cannot be reused before
// the process is reaped, and reaping removes it from the map.
func (p *processes) signal(pid int, name string) error {
	number := unix.SignalNum(name)
	if number == 0 {
		return fmt.Errorf("no such signal: %q", name)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if child := p.children[pid]; child == nil || !child.background {
		return nil
	}
	return syscall.Kill(pid, number)
}

// killGroup kills a command and everything that it started, unless it has ended.
func (p *processes) killGroup(pid int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.children[pid] != nil {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// own returns the lab's own processes: background processes alone, the others with all their descendants.
func (p *processes) own() (alone, withDescendants map[int]bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	alone, withDescendants = maps.Clone(p.services), map[int]bool{}
	for pid, child := range p.children {
		if child.background {
			alone[pid] = true
		} else {
			withDescendants[pid] = true
		}
	}
	return alone, withDescendants
}

func (p *processes) addService(pid int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.services[pid] = true
}

func (p *processes) removeService(pid int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.services, pid)
}
