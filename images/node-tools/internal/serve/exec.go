package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"cnilab/node-tools/internal/jsontext"
)

// searchPath and Environment are the same for every command on a node. They take nothing from the environment of the
// lab's user.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environment returns the environment of a command, with what the caller adds or replaces.
func Environment(added map[string]string) []string {
	values := map[string]string{"PATH": searchPath, "HOME": "/root", "LANG": "C.UTF-8"}
	for name, value := range added {
		values[name] = value
	}
	var list []string
	for name, value := range values {
		list = append(list, name+"="+value)
	}
	return list
}

// commandResult is CommandResult of lab/core/ports.ts.
type commandResult struct {
	Argv []string `json:"argv"`
	exit
	Stdout     jsontext.Text `json:"stdout"`
	Stderr     jsontext.Text `json:"stderr"`
	DurationMs float64       `json:"durationMs"`
	TimedOut   bool          `json:"timedOut"`
}

// execs are the commands that requests have asked for and that have not ended, by the ids of the requests.
type execs struct {
	mutex sync.Mutex
	byID  map[int64]*running
}

// running is a command: its pid, 0 before it has started, and whether it is to be killed.
type running struct {
	pid    int
	killed bool
}

func (e *execs) expect(id int64) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.byID == nil {
		e.byID = map[int64]*running{}
	}
	e.byID[id] = &running{}
}

func (e *execs) started(id int64, pid int, p *processes) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if one := e.byID[id]; one != nil {
		one.pid = pid
		if one.killed {
			p.killGroup(pid)
		}
	}
}

// kill kills a command and everything that it has started, at once or as soon as it starts. It does nothing if the
// command has ended.
func (e *execs) kill(id int64, p *processes) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if one := e.byID[id]; one != nil {
		one.killed = true
		if one.pid != 0 {
			p.killGroup(one.pid)
		}
	}
}

func (e *execs) ended(id int64) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	delete(e.byID, id)
}

// cannotStart is the reason why a command did not start.
type cannotStart struct{ error }

// exec runs a command to its end. The reply does not wait for processes that it left running in the background.
func (s *server) exec(r request) (*commandResult, error) {
	defer s.execs.ended(r.ID)
	path, err := findProgram(r.Argv, r.Env)
	if err != nil {
		return nil, cannotStart{err}
	}
	stdin, err := inputOf(r.Stdin)
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	stdout, err := newCapture()
	if err != nil {
		return nil, err
	}
	stderr, err := newCapture()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	pid, ended, err := s.processes.start(path, r.Argv, &syscall.ProcAttr{
		Dir: directory(r.Cwd), Env: Environment(r.Env),
		Files: []uintptr{stdin.Fd(), stdout.write.Fd(), stderr.write.Fd()},
	}, false)
	stdout.write.Close()
	stderr.write.Close()
	if err != nil {
		stdout.discard()
		stderr.discard()
		return nil, cannotStart{fmt.Errorf("could not run %s: %w", quote(r.Argv), err)}
	}
	s.execs.started(r.ID, pid, s.processes)
	go stdout.collect(pid)
	go stderr.collect(pid)
	status, timedOut := await(pid, ended, r.TimeoutMs)
	result := &commandResult{
		Argv: r.Argv, exit: exitOf(status), TimedOut: timedOut,
		DurationMs: float64(time.Since(began).Microseconds()) / 1000,
	}
	outText, outErr := stdout.finish()
	errText, errErr := stderr.finish()
	if outErr != nil || errErr != nil {
		return nil, fmt.Errorf("%s printed more than %d MiB and was ended", quote(r.Argv), captureLimit>>20)
	}
	result.Stdout, result.Stderr = jsontext.Text(outText), jsontext.Text(errText)
	return result, nil
}

// await returns the status of a process. On timeout it first kills the process and its process group.
func await(pid int, ended <-chan syscall.WaitStatus, timeoutMs int64) (syscall.WaitStatus, bool) {
	var timeout <-chan time.Time
	if timeoutMs > 0 {
		timer := time.NewTimer(time.Duration(timeoutMs) * time.Millisecond)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case status := <-ended:
		return status, false
	case <-timeout:
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		return <-ended, true
	}
}

func exitOf(status syscall.WaitStatus) exit {
	if status.Signaled() {
		name := unix.SignalName(status.Signal())
		return exit{Signal: &name}
	}
	code := status.ExitStatus()
	return exit{ExitCode: &code}
}

// findProgram searches the PATH that the command itself will have.
func findProgram(argv []string, env map[string]string) (string, error) {
	if len(argv) == 0 {
		return "", fmt.Errorf("a command needs at least a program")
	}
	if strings.Contains(argv[0], "/") {
		return argv[0], nil
	}
	path := searchPath
	if own, set := env["PATH"]; set {
		path = own
	}
	for _, folder := range filepath.SplitList(path) {
		candidate := filepath.Join(folder, argv[0])
		if info, err := os.Stat(candidate); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("there is no program %q on the node (PATH is %s)", argv[0], path)
}

func directory(cwd string) string {
	if cwd == "" {
		return "/root"
	}
	return cwd
}

func quote(argv []string) string { return strings.Join(argv, " ") }
