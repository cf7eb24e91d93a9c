package serve

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// processes starts children and reaps everything: as the first process of its PID namespace, the agent is the parent of
// every orphan too. One loop reaps them all and hands the status of a child of its own to whoever waits for it; os/exec
// is not used, as its Wait and this loop would take each other's statuses.
type processes struct {
	mutex sync.Mutex
	// children are those that run now, and those whose end nobody has asked for yet
	children map[int]*child
}

type child struct {
	ended chan syscall.WaitStatus
	// background is a process that was started to stay: what it starts is not the lab's own
	background bool
}

func newProcesses() *processes {
	p := &processes{children: map[int]*child{}}
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
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		// a child may end before start has put it into the map: the lock is held there until it has
		p.mutex.Lock()
		known := p.children[pid]
		delete(p.children, pid)
		p.mutex.Unlock()
		if known != nil {
			known.ended <- status
		}
	}
}

// start runs a program in a session of its own, so that a signal reaches all it started and nothing else.
func (p *processes) start(path string, argv []string, attributes *syscall.ProcAttr, background bool) (int, <-chan syscall.WaitStatus, error) {
	attributes.Sys = &syscall.SysProcAttr{Setsid: true}
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

// own returns the lab's own processes: those in the background alone, the others with all their descendants.
func (p *processes) own() (alone, withDescendants map[int]bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	alone, withDescendants = map[int]bool{}, map[int]bool{}
	for pid, child := range p.children {
		if child.background {
			alone[pid] = true
		} else {
			withDescendants[pid] = true
		}
	}
	return alone, withDescendants
}
