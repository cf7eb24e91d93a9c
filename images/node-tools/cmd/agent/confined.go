package main

import (
	"errors"
	"os"
	"os/exec"

	"cnilab/node-tools/internal/confine"

	"golang.org/x/sys/unix"
)

// confined runs a command with no more than the node's first process may do. What a container engine starts in a node's
// container has all that the container was made with.
func confined(args []string) error {
	if len(args) == 0 {
		return errors.New("agent confined needs COMMAND [ARG...]")
	}
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	if err := confine.As(1); err != nil {
		return err
	}
	return unix.Exec(program, args, os.Environ())
}
