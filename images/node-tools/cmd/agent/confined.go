package main

import (
	"errors"
	"os"
	"os/exec"

	"cnilab/node-tools/internal/confine"

	"golang.org/x/sys/unix"
)

// confined runs a command with the limits of the node's first process. Without it, a command that a container engine
// starts in a node's container has all privileges of the container.
func confined(args []string) error {
	if len(args) == 0 {
		return errors.New("agent confined needs COMMAND [ARG...]")
	}
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	if err := enterNodesNetwork(); err != nil {
		return err
	}
	if err := confine.As(1); err != nil {
		return err
	}
	return unix.Exec(program, args, os.Environ())
}

// enterNodesNetwork enters the node's network namespace. An engine starts a command in the container's, which for a
// node of a group is not the node's own.
func enterNodesNetwork() error {
	node, err := os.Open("/proc/1/ns/net")
	if err != nil {
		return err
	}
	defer node.Close()
	return unix.Setns(int(node.Fd()), unix.CLONE_NEWNET)
}
