package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"cnilab/node-tools/internal/cgroup"
	"cnilab/node-tools/internal/cri"
	"cnilab/node-tools/internal/look"
	"cnilab/node-tools/internal/root"
)

// server is shared by all requests of one node.
type server struct {
	out         *lines
	processes   *processes
	backgrounds backgrounds
	runtime     *cri.Runtime
	looker      *look.Looker
	recording   recording
	execs       execs
	// keepPipe leads to the launcher; nil if there is none
	keepPipe *os.File
	kept     atomic.Bool
	// connect is Options.Connect
	connect func() error
	// systemd, devices and link are those of Options
	systemd bool
	devices []root.EngineDevice
	link    int
	// rebooting: systemd is stopped, and knows nothing of the services that have ended
	rebooting atomic.Bool
	// announce is Options.Announce
	announce func() error
}

// Options say how a node is connected to the lab.
type Options struct {
	In  io.Reader
	Out io.Writer
	// KeepPipe tells a launcher that the node is kept; nil if no launcher has to know.
	KeepPipe *os.File
	// LetGo is called when a kept node has lost its lab.
	LetGo func()
	// Begin makes the node ready. It takes the lab's line with the operation `begin`. It is called again when a saved
	// machine is resumed. It is nil if a node is ready from the start.
	Begin func(line []byte) error
	// Connect connects a node of a group to the group's network again. It is nil if the node has no such network.
	Connect func() error
	// Systemd says that it is the first process of the node, and starts services.
	Systemd bool
	// Devices are those that a container engine has made for the node.
	Devices []root.EngineDevice
	// Link is the process that connects the lab with this one; 0 if there is none.
	Link int
	// Announce tells whoever started the container that the node has booted. It is nil if that is the lab.
	Announce func() error
	// Sessions are ports for interactive commands, on nodes that the host cannot enter directly.
	Sessions []*os.File
}

// Run answers requests until the lab's end of In is closed. When it returns, the node ends. For a kept node it never
// returns.
func Run(options Options) error {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a write to a lab that is gone must not end a kept node
	s := &server{
		out: &lines{to: options.Out}, processes: newProcesses(), runtime: &cri.Runtime{}, keepPipe: options.KeepPipe, connect: options.Connect, systemd: options.Systemd, devices: options.Devices, link: options.Link, announce: options.Announce,
	}
	if options.Begin == nil {
		if err := s.ready(); err != nil {
			return err
		}
	}
	for _, port := range options.Sessions {
		go s.sessions(port)
	}
	reader := bufio.NewReaderSize(options.In, 64<<10)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			break
		}
		if len(line) == 1 {
			continue
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			s.out.write(reply{ID: r.ID, Error: "not a request: " + err.Error()})
			continue
		}
		if r.Op == "begin" && options.Begin != nil {
			if err := errors.Join(options.Begin(line), s.ready()); err != nil {
				return err
			}
			continue
		}
		if r.Op == "exec" {
			s.execs.expect(r.ID) // registered here, so that a request to kill it cannot come first
		}
		go s.answer(r)
	}
	if s.kept.Load() {
		s.out.close()
		if options.LetGo != nil {
			options.LetGo()
		}
		select {}
	}
	return nil
}

// ready reports to the lab that the node is made. What is on the node now counts as there from the start, unless it
// was ready before.
func (s *server) ready() error {
	if s.looker == nil {
		looker, err := look.New(s.runtime, s.processes.own, s.tool)
		if err != nil {
			return err
		}
		s.looker = looker
	}
	s.out.write(readyEvent{"ready"})
	return nil
}

func (s *server) answer(r request) {
	result, err := s.do(r)
	if err != nil {
		_, notBegun := err.(cannotStart)
		s.out.write(reply{ID: r.ID, Error: err.Error(), CannotStart: notBegun})
		return
	}
	s.out.write(reply{ID: r.ID, OK: true, Result: result})
	if started, ok := result.(*background); ok {
		started.follow(r.ID, s.out) // only now, so that the end is never reported before the reply
	}
	if r.Op == "record" {
		s.recording.follow(r.ID)
	}
}

func (s *server) do(r request) (any, error) {
	switch r.Op {
	case "exec":
		defer s.recording.cover()
		return s.exec(r)
	case "record":
		return struct{}{}, s.recording.begin(r.Path, s.out)
	case "start":
		return s.start(r)
	case "adopt":
		return s.adopt(r)
	case "kill":
		s.execs.kill(r.Exec, s.processes)
		return struct{}{}, nil
	case "signal":
		if unit := s.backgrounds.unitOf(r.Pid); unit != "" {
			return struct{}{}, s.signalService(unit, r.Signal)
		}
		return struct{}{}, s.processes.signal(r.Pid, r.Signal)
	case "read-file":
		return readFile(r.Path, r.Offset)
	case "write-files":
		for _, file := range r.Files {
			if content, err := file.bytes(); err == nil && content != nil {
				s.looker.Written(file.NodePath, string(content))
			}
		}
		defer s.recording.cover()
		return writeFiles(r.Files)
	case "append-file":
		return struct{}{}, appendFile(r.Path, r.Base64, os.FileMode(r.Mode).Perm())
	case "use-runtime":
		s.runtime.Use(r.Runtime)
		return struct{}{}, nil
	case "look":
		if err := cgroup.LimitHit(); err != nil {
			return nil, err
		}
		s.recording.cover()
		s.recording.drain()
		return s.looker.Look(), nil
	case "runtime-status":
		return s.runtime.Status(), nil
	case "reboot":
		return struct{}{}, s.reboot()
	case "usage":
		cpuMs, memoryPeakBytes := cgroup.Usage()
		return map[string]any{"cpuMs": cpuMs, "memoryPeakBytes": memoryPeakBytes}, nil
	case "announce":
		if s.announce == nil {
			return nil, errors.New("nobody waits for the boot of this node")
		}
		return struct{}{}, s.announce()
	case "keep":
		return struct{}{}, s.keep()
	default:
		return nil, fmt.Errorf("no such operation: %q", r.Op)
	}
}

// reboot keeps what is on the disk. The lab sends no other request meanwhile.
func (s *server) reboot() error {
	rebooting := root.Rebooting{Mounts: s.looker.MountsOfBoot, Connect: s.connect, Devices: s.devices, Link: s.link}
	if s.systemd {
		first, err := root.StopFirst()
		if err != nil {
			return err
		}
		rebooting.First = first
		s.rebooting.Store(true)
		defer s.rebooting.Store(false)
	}
	if err := root.Reboot(rebooting); err != nil {
		return err
	}
	if s.systemd {
		s.backgrounds.awaitServices()
		if err := AwaitBoot(); err != nil {
			return err
		}
	}
	return s.looker.Rebooted(root.BootID)
}

// keep lets the node outlive its streams. A launcher answers once the node's record says so.
func (s *server) keep() error {
	if s.keepPipe == nil {
		s.kept.Store(true)
		return nil
	}
	if _, err := s.keepPipe.Write([]byte{'k'}); err != nil {
		return err
	}
	if _, err := s.keepPipe.Read(make([]byte, 1)); err != nil {
		return errors.New("the launcher could not record that the node is kept")
	}
	s.kept.Store(true)
	return nil
}

// tool runs one of the programs that a look needs and returns its output.
func (s *server) tool(argv ...string) (string, error) {
	result, err := s.exec(request{Argv: argv, TimeoutMs: 20000})
	if err != nil {
		return "", err
	}
	if result.ExitCode == nil || *result.ExitCode != 0 {
		return "", fmt.Errorf("%s did not work: %s", argv[0], result.Stderr)
	}
	return string(result.Stdout), nil
}
