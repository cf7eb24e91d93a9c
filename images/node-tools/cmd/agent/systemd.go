package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"cnilab/node-tools/internal/cgroup"
	"cnilab/node-tools/internal/confine"
	"cnilab/node-tools/internal/launcher"
	"cnilab/node-tools/internal/root"
	"cnilab/node-tools/internal/serve"

	"golang.org/x/sys/unix"
)

// A node of kind has systemd as its first process, as a machine has. This program is then three processes:
//
//	systemd (pid 1, was `agent init`)
//	└ agent beside: ends the node when the process below it has ended, however it ended
//	  └ agent init --made-for 3: makes the node, waits for systemd, and then does what the lab asks
//
// The node is made by the process that stays, because it keeps the covers of the node busy.

const systemdProgram = "/sbin/init"

// handOver is what the first process of the container does: it starts the others, waits until the node is made, and
// becomes systemd. `args` are those of this program after its command. `segment` is a descriptor, or -1.
func handOver(args []string, segment int, filtered bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	made, report, err := os.Pipe()
	if err != nil {
		return err
	}
	files := []uintptr{0, 1, 2, report.Fd()}
	argv := append(append([]string{self, "beside", self, "init"}, args...), "--made-for", "3")
	if segment >= 0 {
		files = append(files, uintptr(segment))
		unix.CloseOnExec(segment)
		argv = append(argv, "--segment", "4")
	}
	attributes := &syscall.ProcAttr{Env: os.Environ(), Files: files, Sys: &syscall.SysProcAttr{Setsid: true}}
	if _, err := syscall.ForkExec(self, argv, attributes); err != nil {
		return fmt.Errorf("could not start the agent beside systemd: %w", err)
	}
	report.Close()
	if n, _ := made.Read(make([]byte, 1)); n != 1 {
		return errors.New("the node was not made")
	}
	// the streams of the container are the agent's now
	if err := errors.Join(launcher.LetGoOf(0, 1, 2), os.Chdir("/")); err != nil {
		return err
	}
	raiseLimits()
	if err := confine.Self(filtered); err != nil {
		return err
	}
	argv = []string{systemdProgram, "--unit=multi-user.target"}
	if !filtered {
		argv = append(argv, "--"+confine.Unfiltered) // systemd does not know it; confine.As reads it
	}
	return becomeSystemd(argv)
}

func becomeSystemd(argv []string) error {
	env := append(serve.Environment(nil), "container=docker")
	return fmt.Errorf("could not start %s: %w", systemdProgram, unix.Exec(systemdProgram, argv, env))
}

// betweenBoots is what systemd becomes when the agent reboots the node: it gives its program for shutdowns this word.
func betweenBoots([]string) error {
	argv, err := root.FirstProcess()
	if err != nil {
		return err
	}
	return becomeSystemd(argv)
}

// beside runs a program until it ends, and then ends the PID namespace. It keeps the capability for that, which
// nothing else on the node has.
func beside(argv []string) error {
	if len(argv) == 0 {
		return errors.New("agent beside needs PROGRAM [ARG...]")
	}
	if err := mayEndNamespace(); err != nil {
		return err
	}
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	files := []uintptr{0, 1, 2}
	for _, inherited := range []int{3, 4} {
		if flags, err := unix.FcntlInt(uintptr(inherited), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
			break // it is none, or one of the Go runtime
		}
		files = append(files, uintptr(inherited))
	}
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: os.Environ(), Files: files})
	for _, inherited := range files[3:] {
		unix.Close(int(inherited)) // else the first process would not notice that the program has ended
	}
	if err == nil {
		var status syscall.WaitStatus
		for {
			if _, waited := syscall.Wait4(pid, &status, 0, nil); waited != syscall.EINTR {
				break
			}
		}
	}
	return errors.Join(err, endNamespace())
}

// firstNamespace is the number of the machine's own PID namespace: PROC_PID_INIT_INO of the kernel's
// include/linux/proc_ns.h.
const firstNamespace = "pid:[4026531836]"

// mayEndNamespace refuses where endNamespace would end the machine.
func mayEndNamespace() error {
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return err
	}
	if namespace == firstNamespace || os.Getppid() != 1 {
		return errors.New("agent beside works only below the first process of a container")
	}
	return nil
}

// endNamespace ends all processes of the PID namespace at once. In a namespace, reboot(2) is a SIGKILL for its first
// process. Without CAP_SYS_BOOT, systemd is asked.
func endNamespace() error {
	if err := mayEndNamespace(); err != nil {
		return err
	}
	rebooted := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	return errors.Join(rebooted, unix.Kill(-1, unix.SIGKILL), unix.Kill(1, root.HaltAtOnce))
}

// startSystemd lets the first process become systemd, on a node that is made, and waits until systemd has started what
// the image of the node starts.
func startSystemd(madeFor int) error {
	unix.CloseOnExec(madeFor)
	if err := errors.Join(root.Systemd(), cgroup.CloseGaps()); err != nil {
		return err
	}
	if _, err := unix.Write(madeFor, []byte{'m'}); err != nil {
		return err
	}
	unix.Close(madeFor)
	return serve.AwaitBoot()
}
