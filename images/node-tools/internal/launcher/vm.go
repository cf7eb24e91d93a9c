package launcher

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"cnilab/node-tools/internal/segment"

	"golang.org/x/sys/unix"
)

// vmWord is the file descriptor on which the lab says that a virtual machine is to be kept. It closes when the lab
// ends.
const vmWord = 3

// How much of a log is read and shown when a machine ends by itself.
const (
	lastBytes = 64 << 10
	lastLines = 12
)

// VM runs `agent vm`: QEMU as a child that dies with this process (Pdeathsig), in a folder of the node's own that has
// its sockets and its console's log. Only QEMU has the lab's streams. When the lab ends, in any way, its end of
// vmWord closes, and QEMU is killed. The guest is not asked to shut down, because it may hang.
func VM(args []string) error {
	flags := flag.NewFlagSet("vm", flag.ContinueOnError)
	name := flags.String("name", "", "name of the node: its record, its folder")
	stateDir := flags.String("state-dir", "", "folder for the records of nodes")
	network := flags.String("segment", "", "switch to connect to, for QEMU as its descriptor 3, if the node is in a group")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *name == "" || *name != filepath.Base(*name) || *stateDir == "" || flags.NArg() == 0 {
		return errors.New("agent vm needs --name, --state-dir and -- QEMU ARGUMENTS")
	}
	unix.CloseOnExec(vmWord)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	record, err := newRecord(*stateDir, *name, nil, filepath.Join(*stateDir, *name))
	if err != nil {
		return err
	}
	err = runVM(&record, *stateDir, machine{flags.Args(), *network}, stop)
	return errors.Join(err, remove(record, *stateDir, nil))
}

type machine struct {
	argv []string
	// network is the switch of its group; empty for a single node
	network string
}

func runVM(record *Record, stateDir string, machine machine, stop <-chan os.Signal) error {
	if err := os.Mkdir(record.Folder, 0o700); err != nil {
		return err
	}
	complaints, err := os.Create(filepath.Join(record.Folder, "qemu.log"))
	if err != nil {
		return err
	}
	defer complaints.Close()
	qemu := exec.Command(machine.argv[0], machine.argv[1:]...)
	qemu.Dir, qemu.Stdin, qemu.Stdout, qemu.Stderr = record.Folder, os.Stdin, os.Stdout, complaints
	qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if machine.network != "" {
		connection, err := segment.Dial(machine.network)
		if err != nil {
			return err
		}
		defer connection.Close()
		qemu.ExtraFiles = []*os.File{connection}
	}
	if err := qemu.Start(); err != nil {
		return fmt.Errorf("could not start %s: %w", machine.argv[0], err)
	}
	if err := LetGoOf(0, 1); err != nil {
		return err
	}
	record.InitPid = qemu.Process.Pid
	if err := record.replace(stateDir); err != nil {
		_ = qemu.Process.Kill()
		_ = qemu.Wait()
		return err
	}
	_ = os.Chdir("/")
	var asked atomic.Bool
	end := func() {
		asked.Store(true)
		_ = qemu.Process.Kill()
	}
	go func() {
		<-stop
		end()
	}()
	go func() {
		if !keepOnLabsWord(*record, stateDir) {
			end()
		}
	}()
	err = qemu.Wait()
	if !asked.Load() { // only reported: this program has not failed and can still remove everything
		fmt.Fprintf(os.Stderr, "the virtual machine ended by itself (%s)%s\n", endOf(err), lastOutput(record.Folder))
	}
	return nil
}

// keepOnLabsWord reports whether the machine outlives the lab.
func keepOnLabsWord(record Record, stateDir string) bool {
	line := make([]byte, 1)
	if count, err := unix.Read(vmWord, line); err != nil || count == 0 {
		return false
	}
	record.Kept = true
	if err := record.replace(stateDir); err != nil {
		return false
	}
	_ = LetGoOf(2)
	_, _ = unix.Write(vmWord, line)
	return true
}

func endOf(err error) string {
	if err == nil {
		return "as after a restart or a panic"
	}
	return err.Error()
}

// lastOutput returns QEMU's error output and the end of the guest's console.
func lastOutput(folder string) string {
	var output strings.Builder
	for _, source := range []struct{ file, title string }{{"qemu.log", "QEMU printed"}, {"console.log", "its console ended with"}} {
		if text := lastOf(untilPanic(tail(filepath.Join(folder, source.file)))); text != "" {
			fmt.Fprintf(&output, "; %s:\n%s", source.title, text)
		}
	}
	return output.String()
}

func tail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > lastBytes {
		_, _ = file.Seek(-lastBytes, io.SeekEnd)
	}
	text, _ := io.ReadAll(file)
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\r", ""))
}

// untilPanic cuts off the registers and the stack below the line with the kernel's reason for the panic.
func untilPanic(console string) string {
	if at := strings.Index(console, "Kernel panic - "); at >= 0 {
		if length := strings.IndexByte(console[at:], '\n'); length >= 0 {
			return console[:at+length]
		}
	}
	return console
}

func lastOf(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}
