package main

import (
	"bufio"
	"fmt"
	"os"

	"cnilab/node-tools/internal/guest"
	"cnilab/node-tools/internal/root"
	"cnilab/node-tools/internal/serve"

	"golang.org/x/sys/unix"
)

// boot is the first process of a virtual machine: a node as `init` makes it, on a machine of its own. What goes wrong is
// said on the console, whose last lines the lab shows.
func boot([]string) error {
	if err := machine(); err != nil {
		fmt.Fprintln(os.Stderr, "cnilab:", err)
	}
	guest.Off()
	return nil
}

func machine() error {
	unix.Umask(0o022)
	devices, err := guest.Boot()
	if err != nil {
		return err
	}
	if err := root.Build(root.Options{Staging: "/mnt"}); err != nil {
		return err
	}
	if err := root.Network(); err != nil {
		return err
	}
	raiseLimits()
	fmt.Fprintln(devices.Agent, `{"event":"booted"}`)
	lab := bufio.NewReaderSize(devices.Agent, 64<<10)
	beginning, err := guest.Await(lab)
	if err != nil {
		return err
	}
	if err := beginning.Begin(devices.Artifacts, "/lab/artifacts"); err != nil {
		return err
	}
	if err := root.Identify(beginning.Name); err != nil {
		return err
	}
	return serve.Run(serve.Options{In: lab, Out: devices.Agent, Sessions: devices.Sessions})
}
