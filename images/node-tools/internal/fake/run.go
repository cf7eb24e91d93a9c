package fake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hangs is the argument of a child that only keeps the output open.
const hangs = "hangs"

// Main is the plugin: it answers one call and returns the exit code, or ends as the script says.
func Main(args []string) int {
	if len(args) == 2 && args[1] == hangs {
		forever()
	}
	name := filepath.Base(args[0])
	command := os.Getenv("CNI_COMMAND")
	if command == "" {
		fmt.Fprintf(os.Stderr, "%s is a scripted plugin of cnilab; CNI_COMMAND is not set\n", name)
		return 1
	}
	stdin, err := io.ReadAll(os.Stdin)
	if err != nil {
		return broken(name, err)
	}
	c := callOf(strings.ToLower(command), stdin)
	script, before, err := readScript(folder, name, c.verb)
	if err != nil {
		return broken(name, err)
	}
	code, err := c.act(behaviourOf(script, c.verb, before))
	if err != nil {
		return broken(name, err)
	}
	return code
}

// broken is the end of a plugin that cannot follow its script. The lab searches for this text
// (lab/core/fake-plugin.ts) wherever the runtime puts the message.
func broken(name string, err error) int {
	text := fmt.Sprintf("the scripted plugin %s of cnilab cannot follow its script: %v", name, err)
	_, _ = os.Stdout.Write(line(Error{CNIVersion: "1.0.0", Code: 999, Msg: text}))
	return 70
}

func (c call) act(behaviour Behaviour) (int, error) {
	output, code := c.success(), 0
	if behaviour.Delegate != "" {
		var err error
		if output, code, err = c.delegate(behaviour.Delegate); err != nil {
			return 0, err
		}
	}
	if behaviour.DelegateAfter != "" {
		output = nil
	}
	time.Sleep(time.Duration(behaviour.DelayMs) * time.Millisecond)
	if _, err := io.WriteString(os.Stderr, behaviour.Stderr); err != nil {
		return 0, err
	}
	if behaviour.Answer != nil {
		var err error
		if output, code, err = c.print(*behaviour.Answer); err != nil {
			return 0, err
		}
	} else if behaviour.Hang != "" && behaviour.Hang != HangChild || behaviour.Signal != "" || behaviour.ExitCode != nil {
		output = nil // it does not get as far as an answer
	}
	if _, err := os.Stdout.Write(output); err != nil {
		return 0, err
	}
	if behaviour.DelegateAfter != "" {
		delegated, delegatedCode, err := c.delegate(behaviour.DelegateAfter)
		if err != nil {
			return 0, err
		}
		if behaviour.Answer == nil {
			code = delegatedCode
			if _, err := os.Stdout.Write(delegated); err != nil {
				return 0, err
			}
		}
	}
	if behaviour.Hang == HangChild || behaviour.Hang == HangBoth {
		if err := startChild(); err != nil {
			return 0, err
		}
	}
	if behaviour.Hang == HangPlugin || behaviour.Hang == HangBoth {
		forever()
	}
	if behaviour.Signal != "" {
		return 0, dieBy(behaviour.Signal)
	}
	if behaviour.ExitCode != nil {
		code = *behaviour.ExitCode
	}
	return code, nil
}

// delegate calls a plugin with this call's input. It returns what the plugin printed and its exit code.
func (c call) delegate(plugin string) ([]byte, int, error) {
	path, err := find(plugin, os.Getenv("CNI_PATH"))
	if err != nil {
		return nil, 0, err
	}
	output := bytes.Buffer{}
	command := exec.Command(path)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(c.stdin), &output, os.Stderr
	err = command.Run()
	exit := &exec.ExitError{}
	switch {
	case err == nil:
		return output.Bytes(), 0, nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return output.Bytes(), exit.ExitCode(), nil
	case errors.As(err, &exit):
		return nil, 0, fmt.Errorf("its delegate %s ended by a signal: %w", path, err)
	}
	return nil, 0, err
}

func find(plugin, path string) (string, error) {
	folders := filepath.SplitList(path)
	for _, folder := range folders {
		file := filepath.Join(folder, plugin)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return "", fmt.Errorf("there is no plugin %s in %s", plugin, path)
}

// startChild starts a process that keeps this one's output open and never ends.
func startChild() error {
	child := exec.Command("/proc/self/exe", hangs)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	return child.Start()
}

func forever() {
	for {
		time.Sleep(time.Hour) // Go would report `select {}` as a deadlock
	}
}

// dieBy ends this process by a signal, without a core dump. It restores the kernel's default action first, because Go
// handles most signals itself.
func dieBy(name string) error {
	number := unix.SignalNum(name)
	if number == 0 {
		return fmt.Errorf("there is no signal %q", name)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	byDefault := [4]uint64{} // struct sigaction of the kernel: SIG_DFL, no flags
	if number != unix.SIGKILL {
		_, _, failed := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(number), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
		if failed != 0 {
			return failed
		}
	}
	if err := unix.Kill(os.Getpid(), number); err != nil {
		return err
	}
	time.Sleep(10 * time.Second)
	return fmt.Errorf("it still runs after %s", name)
}
