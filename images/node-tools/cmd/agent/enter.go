package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"cnilab/node-tools/internal/cgroup"
	"cnilab/node-tools/internal/confine"
	"cnilab/node-tools/internal/serve"

	"golang.org/x/sys/unix"
)

// enter runs a command on a node, from the host. It joins the node's cgroups first. nsenter joins only namespaces, so
// the command's processes would count for the host and would be left there.
func enter(args []string) error {
	flags := flag.NewFlagSet("enter", flag.ContinueOnError)
	pid := flags.Int("pid", 0, "first process of the node, as the host counts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *pid == 0 || flags.NArg() == 0 {
		return errors.New("agent enter needs --pid PID -- COMMAND")
	}
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return fmt.Errorf("entering a node needs nsenter, which is part of util-linux: %w", err)
	}
	target := strconv.Itoa(*pid)
	if err := cgroup.JoinThoseOf(target); err != nil {
		return fmt.Errorf("could not enter the node of process %s: %w", target, err)
	}
	if err := confine.As(*pid); err != nil {
		return fmt.Errorf("could not enter the node of process %s: %w", target, err)
	}
	argv := []string{"nsenter", "-t", target, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"}
	env := append(serve.Environment(nil), "TERM="+os.Getenv("TERM"))
	return unix.Exec(nsenter, append(argv, flags.Args()...), env)
}
