package serve

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cnilab/node-tools/internal/cgroup"

	"golang.org/x/sys/unix"
)

// output runs a program of the node outside a request, and returns what it printed on standard output.
func output(argv ...string) string {
	command := exec.Command(argv[0], argv[1:]...)
	command.Env = Environment(nil)
	text, _ := command.Output() // the exit code says less than the text, and processes.reap may take it
	return strings.TrimSpace(string(text))
}

// bootedWithin is how long systemd may need.
const bootedWithin = 60 * time.Second

// AwaitBoot waits until systemd has started what the image of the node starts. A unit that failed is not an error: which
// ones an image has is its own affair.
func AwaitBoot() error {
	var last string
	for deadline := time.Now().Add(bootedWithin); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat("/run/systemd/private"); err != nil {
			last = "it does not listen yet"
			continue
		}
		last = output("systemctl", "is-system-running", "--wait")
		if last == "running" || last == "degraded" {
			cgroup.HandDownNode()
			return nil
		}
	}
	return fmt.Errorf("systemd did not start the node within %s: %s", bootedWithin, last)
}

// serviceWithin is how long one call of systemctl may take.
const serviceWithin = 20 * time.Second

// startService makes systemd start a program, as the service of that name. Where the node has a unit of that name, it
// stays, and a drop-in says what is the lab's: the command, its log, and that only the lab starts it again.
func (s *server) startService(r request) (*background, error) {
	unit := r.Service + ".service"
	if err := s.writeUnit(unit, r); err != nil {
		return nil, err
	}
	if _, err := s.tool("systemctl", "start", unit); err != nil {
		return nil, fmt.Errorf("systemd could not start %s: %w", unit, err)
	}
	state, err := s.showService(unit)
	if err != nil {
		return nil, err
	}
	pid, _ := strconv.Atoi(state["MainPID"])
	started := &background{Pid: pid, argv: r.Argv, unit: unit, ended: make(chan struct{})}
	s.backgrounds.add(started)
	go func() {
		started.end = s.followService(unit, pid)
		s.backgrounds.remove(started)
		close(started.ended)
	}()
	return started, nil
}

func (s *server) writeUnit(unit string, r request) error {
	if err := os.MkdirAll(filepath.Dir(r.LogPath), 0o755); err != nil {
		return err
	}
	var lines []string
	path := "/run/systemd/system/" + unit
	if _, err := s.tool("systemctl", "cat", unit); err == nil {
		path += ".d/cnilab.conf"
	} else {
		lines = append(lines, "[Unit]", "Description="+r.Service, "DefaultDependencies=no")
	}
	lines = append(lines,
		"[Unit]", "StartLimitIntervalSec=0",
		"[Service]", "Type=exec", "Restart=no", "ExecStart=", "ExecStart="+unitWords(r.Argv),
		"StandardOutput=append:"+r.LogPath, "StandardError=append:"+r.LogPath, "WorkingDirectory="+directory(r.Cwd),
		// what is below a service, such as shims and pods, outlives it
		"KillMode=process", "TasksMax=infinity",
		// on cgroup v1 the service is then in the root of most controllers, as the runtime is on other nodes
		"Delegate=no", "MemoryAccounting=no", "TasksAccounting=no",
		"LimitNOFILE=1048576", "LimitNPROC=infinity", "LimitCORE=1:infinity",
	)
	for _, variable := range Environment(r.Env) {
		lines = append(lines, "Environment="+unitWords([]string{variable}))
	}
	text := strings.Join(lines, "\n") + "\n"
	if before, err := os.ReadFile(path); err == nil && string(before) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	_, err := s.tool("systemctl", "daemon-reload")
	return err
}

// unitWords quotes words for a unit, where % starts a specifier and $ a variable.
func unitWords(words []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$")
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = `"` + escape.Replace(word) + `"`
	}
	return strings.Join(quoted, " ")
}

// awaitEnd returns when a process that is no child has ended.
func awaitEnd(pid int) {
	if pid == 0 {
		return
	}
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // it has ended
	}
	defer unix.Close(handle)
	for {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, -1); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// followService returns how a service ended. A restart, which only someone on the node can have asked for, is no end.
func (s *server) followService(unit string, pid int) exit {
	for {
		s.processes.addService(pid)
		awaitEnd(pid)
		s.processes.removeService(pid)
		ended, next := s.afterEnd(unit, pid)
		if next == 0 {
			return ended
		}
		pid = next
	}
}

// afterEnd asks systemd how a service ended, or what its new process is. It waits until systemd has no more to do,
// because the service cannot be started before.
func (s *server) afterEnd(unit string, pid int) (ended exit, next int) {
	for deadline := time.Now().Add(serviceWithin); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s.rebooting.Load() {
			killed := "SIGKILL"
			return exit{Signal: &killed}, 0
		}
		state, err := s.showService(unit)
		if err != nil || state["Job"] != "" {
			continue
		}
		if now, _ := strconv.Atoi(state["MainPID"]); state["ActiveState"] == "active" && now != 0 && now != pid {
			return exit{}, now
		}
		if state["ActiveState"] != "inactive" && state["ActiveState"] != "failed" {
			continue
		}
		status, _ := strconv.Atoi(state["ExecMainStatus"])
		const killed, dumped = "2", "3" // of siginfo.h: CLD_KILLED, CLD_DUMPED
		if code := state["ExecMainCode"]; code == killed || code == dumped {
			name := unix.SignalName(syscall.Signal(status))
			return exit{Signal: &name}, 0
		}
		return exit{ExitCode: &status}, 0
	}
	unknown := "an unknown cause: systemd does not say how " + unit + " ended"
	return exit{Signal: &unknown}, 0
}

func (s *server) showService(unit string) (map[string]string, error) {
	text, err := s.tool("systemctl", "show", unit, "--property=MainPID,ActiveState,Job,ExecMainCode,ExecMainStatus")
	state := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		if name, value, found := strings.Cut(line, "="); found {
			state[name] = value
		}
	}
	return state, err
}

// signalService ends a service as an operator does, so that systemd knows that its end is intended.
func (s *server) signalService(unit, signal string) error {
	argv := []string{"systemctl", "kill", "--kill-whom=main", "--signal=" + signal, unit}
	if signal == "SIGTERM" {
		argv = []string{"systemctl", "stop", "--no-block", unit}
	}
	_, err := s.tool(argv...)
	return err
}
