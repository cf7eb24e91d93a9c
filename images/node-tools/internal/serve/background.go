package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// background is a process that was started in the background.
type background struct {
	Pid  int `json:"pid"`
	argv []string
	// unit is the unit of systemd that it is; empty for a child of this process
	unit string
	// ended is closed after the process has ended and end is set
	ended chan struct{}
	end   exit
	// follower is the id of the request that gets the end: the last one that asked
	follower atomic.Pointer[int64]
}

// backgrounds are those that run now.
type backgrounds struct {
	mutex sync.Mutex
	all   []*background
}

// start runs a process in the background. Both its outputs are appended to a file.
func (s *server) start(r request) (any, error) {
	if s.systemd && r.Service != "" {
		return s.startService(r)
	}
	path, err := findProgram(r.Argv, r.Env)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(r.LogPath), 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(r.LogPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	null, err := os.Open("/dev/null")
	if err != nil {
		return nil, err
	}
	defer null.Close()
	pid, ended, err := s.processes.start(path, r.Argv, &syscall.ProcAttr{
		Dir: directory(r.Cwd), Env: Environment(r.Env), Files: []uintptr{null.Fd(), log.Fd(), log.Fd()},
	}, true)
	if err != nil {
		return nil, fmt.Errorf("could not start %s: %w", quote(r.Argv), err)
	}
	started := &background{Pid: pid, argv: r.Argv, ended: make(chan struct{})}
	s.backgrounds.add(started)
	go func() {
		started.end = exitOf(<-ended)
		s.backgrounds.remove(started)
		close(started.ended)
	}()
	return started, nil
}

// awaitServices waits for the end of all services.
func (b *backgrounds) awaitServices() {
	b.mutex.Lock()
	all := slices.Clone(b.all)
	b.mutex.Unlock()
	for _, one := range all {
		if one.unit != "" {
			<-one.ended
		}
	}
}

// adopt takes over a process that another lab started before this machine was saved.
func (s *server) adopt(r request) (any, error) {
	s.backgrounds.mutex.Lock()
	defer s.backgrounds.mutex.Unlock()
	for _, one := range s.backgrounds.all {
		if slices.Equal(one.argv, r.Argv) {
			return one, nil
		}
	}
	return nil, fmt.Errorf("%s does not run", quote(r.Argv))
}

// follow reports the end to the lab, unless a later request has replaced this one as follower.
func (b *background) follow(id int64, out *lines) {
	b.follower.Store(&id)
	<-b.ended
	if b.follower.Load() == &id {
		out.write(endedEvent{"ended", id, b.end})
	}
}

func (b *backgrounds) add(one *background) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.all = append(b.all, one)
}

func (b *backgrounds) remove(one *background) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.all = slices.DeleteFunc(b.all, func(other *background) bool { return other == one })
}

// unitOf returns the unit that a process is, or "".
func (b *backgrounds) unitOf(pid int) string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, one := range b.all {
		if one.Pid == pid {
			return one.unit
		}
	}
	return ""
}
