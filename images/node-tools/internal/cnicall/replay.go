package cnicall

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// recorded is a call as the recorder saw it. lab/assembly/replay-call.ts writes it. Streams are bytes.
type recorded struct {
	Path  string            `json:"path"`
	Env   map[string]string `json:"env"`
	Stdin []byte            `json:"stdin"`
	// MakesNetns: CNI_NETNS was a namespace at the time of the call.
	MakesNetns bool `json:"makesNetns"`
	// Ended is nil if the call did not end.
	Ended *outcome `json:"ended"`
}

type outcome struct {
	ExitCode *int    `json:"exitCode"`
	Signal   *string `json:"signal"`
	Stdout   []byte  `json:"stdout"`
	Stderr   []byte  `json:"stderr"`
}

func (o outcome) how() string {
	if o.Signal != nil {
		return "ended by " + *o.Signal
	}
	if o.ExitCode != nil {
		return fmt.Sprintf("exited with %d", *o.ExitCode)
	}
	return "ended"
}

// replay repeats a recorded call, passes on what the plugin prints, and prints the differences from the record. The
// exit code is 0 if there are none, and 1 otherwise.
func replay(text string) error {
	if text == "-" {
		stdin, err := io.ReadAll(os.Stdin)
		if err != nil {
			cannotTry(err)
		}
		text = string(stdin)
	}
	call := recorded{}
	if err := json.Unmarshal([]byte(text), &call); err != nil {
		cannotTry(err)
	}
	differences, err := call.prepareNetns()
	if err != nil {
		cannotTry(err)
	}
	for _, difference := range differences {
		fmt.Fprintln(os.Stderr, "differs before:", difference)
	}
	now, err := call.run()
	if err != nil {
		cannotTry(err)
	}
	_, _ = os.Stdout.Write(now.Stdout)
	_, _ = os.Stderr.Write(now.Stderr)
	after := call.compare(now)
	if len(after) > 0 {
		return errors.New(strings.Join(after, "\n"))
	}
	fmt.Fprintf(os.Stderr, "the same as recorded: it %s, with the same output\n", now.how())
	return nil
}

// prepareNetns creates the namespace of the call if it no longer exists.
func (call recorded) prepareNetns() ([]string, error) {
	path := call.Env["CNI_NETNS"]
	_, gone := os.Stat(path)
	switch {
	case !call.MakesNetns && path != "" && gone == nil:
		return []string{path + " is there, and was not"}, nil
	case !call.MakesNetns:
		return nil, nil
	case gone == nil:
		return []string{path + " is what is there now"}, nil
	}
	name := "replay"
	if folder := filepath.Dir(path); folder == "/var/run/netns" || folder == "/run/netns" {
		name = filepath.Base(path)
	}
	made, err := makeNetns(name)
	if err != nil {
		return nil, err
	}
	if name != "replay" {
		return []string{path + " is a new network namespace"}, nil
	}
	call.Env["CNI_NETNS"] = made
	return []string{fmt.Sprintf("CNI_NETNS is %s, a new network namespace; it was %s", made, path)}, nil
}

func (call recorded) run() (outcome, error) {
	command := exec.Command(call.Path)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "CNI_") {
			command.Env = append(command.Env, pair)
		}
	}
	for name, value := range call.Env {
		command.Env = append(command.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(call.Stdin), &stdout, &stderr
	err := command.Run()
	exit := &exec.ExitError{}
	if err != nil && !errors.As(err, &exit) {
		return outcome{}, err
	}
	now := outcome{Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	if status := command.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		name := unix.SignalName(status.Signal())
		now.Signal = &name
	} else {
		code := status.ExitStatus()
		now.ExitCode = &code
	}
	return now, nil
}

func (call recorded) compare(now outcome) []string {
	if call.Ended == nil {
		return []string{"differs: it " + now.how() + "; the recorded call did not end"}
	}
	differences := []string{}
	if now.how() != call.Ended.how() {
		differences = append(differences, "differs: it "+now.how()+"; the recorded call "+call.Ended.how())
	}
	for _, stream := range []struct {
		name      string
		then, now []byte
	}{{"standard output", call.Ended.Stdout, now.Stdout}, {"standard error", call.Ended.Stderr, now.Stderr}} {
		if !bytes.Equal(stream.then, stream.now) {
			differences = append(differences, "differs: "+stream.name+"; the recorded one:\n"+strings.TrimSuffix(string(stream.then), "\n"))
		}
	}
	return differences
}
