package main

import (
	"fmt"
	"os"
	"runtime"

	"cnilab/node-tools/internal/guest"
	"cnilab/node-tools/internal/root"
	"cnilab/node-tools/internal/serve"

	"golang.org/x/sys/unix"
)

// boot is the first process of a virtual machine. It makes a node as `init` does, on a machine of its own. Errors are
// printed on the console, whose last lines the lab shows.
func boot([]string) error {
	runtime.UnlockOSThread()
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
	beginner := guest.NewBeginner(devices, root.Identify)
	return serve.Run(serve.Options{
		In: devices.Agent, Out: devices.Agent, Sessions: devices.Sessions,
		Begin: beginner.Begin, Connect: beginner.Connect,
	})
}
