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
	if err := enterNodesNetwork(); err != nil {
		return err
	}
	if err := confine.As(1); err != nil {
		return err
	}
	return unix.Exec(program, args, os.Environ())
}

// enterNodesNetwork: an engine starts a command in the network namespace that it knows of, which is not the node's own where the
// node is one of a group.
func enterNodesNetwork() error {
	node, err := os.Open("/proc/1/ns/net")
	if err != nil {
		return err
	}
	defer node.Close()
	return unix.Setns(int(node.Fd()), unix.CLONE_NEWNET)
}
