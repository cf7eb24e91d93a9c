// Command agent makes a bare node and is the first process on it. One program for both, since one file is what the lab
// brings along; the first argument says what it is to do.
package main

import (
	"fmt"
	"os"
	"runtime"

	"cnilab/node-tools/internal/launcher"
)

var commands = map[string]struct {
	run  func(args []string) error
	help string
}{
	"node":    {launcher.Main, "on the host: a new node, controlled by JSON lines on stdin and stdout"},
	"init":    {initNode, "the first process of a node, in namespaces that `node` or a container engine made"},
	"enter":   {enter, "on the host: run a command on a node"},
	"connect": {connect, "on a node: dial an address and print what comes"},
}

func main() {
	command, known := commands[argument(1)]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: agent node|init|enter|connect")
		for _, name := range []string{"node", "init", "enter", "connect"} {
			fmt.Fprintf(os.Stderr, "  %-8s %s\n", name, commands[name].help)
		}
		os.Exit(2)
	}
	if argument(1) != "init" {
		runtime.LockOSThread() // namespaces and Pdeathsig belong to a thread
	}
	if err := command.run(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func argument(index int) string {
	if len(os.Args) > index {
		return os.Args[index]
	}
	return ""
}
