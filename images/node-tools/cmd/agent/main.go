// Command agent makes a bare node and is also the first process on it. It is one program, because then the lab needs
// only one file. The first argument selects what it does.
package main

import (
	"fmt"
	"os"
	"runtime"

	"cnilab/node-tools/internal/cnicall"
	"cnilab/node-tools/internal/launcher"
	"cnilab/node-tools/internal/segment"
	"cnilab/node-tools/internal/session"
)

var commands = map[string]struct {
	run  func(args []string) error
	help string
}{
	"node":            {launcher.Main, "on the host: a new node, controlled by JSON lines on stdin and stdout"},
	"init":            {initNode, "the first process of a node, in namespaces that `node` or a container engine made"},
	"beside":          {beside, "in a container: run `init` beside systemd, and end the node with it"},
	"reboot":          {betweenBoots, "on a node of kind: the first process, while `init` reboots the node"},
	"link":            {link, "on a node of a kind cluster: connect the lab, on stdin and stdout, with `init`"},
	"boot":            {boot, "first process of a virtual machine: makes a node of it"},
	"vm":              {launcher.VM, "on the host: runs QEMU for as long as the lab lives, or for a kept node"},
	"segment":         {segment.Main, "on the host or in a container: the network between the nodes of a group, for as long as the lab lives"},
	"session":         {session.Main, "on the host: run a command on a node that is a virtual machine"},
	"enter":           {enter, "on the host: run a command on a node"},
	"connect":         {connect, "on a node: dial an address and print what comes"},
	"listen":          {listen, "on a node: answer on a port for as long as the network namespace is there"},
	"cni":             {cnicall.Main, "on a node: call a CNI plugin or a network as a runtime does"},
	"confined":        {confined, "on a node: run a command that may do what the node may, where the engine starts it"},
	"exec-container":  {execContainer, "on a node: run a command in a container"},
	"pull-image":      {pullImage, "on a node: make the runtime pull the images of an archive"},
	"announce-images": {announceImages, "on a node: tell a runtime where it pulls the images of archives from"},
	"oci-runtime":     {ociRuntime, "on a node: run runc for a bundle that asks for what the node does not have"},
	"cri-config":      {criConfig, "on a node: print the config of a pod or a container, as the runtime has kept it"},
}

// Namespaces and Pdeathsig belong to a thread. A command stays on the first thread of the process unless it unlocks it.
func init() { runtime.LockOSThread() }

func main() {
	command, known := commands[argument(1)]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: agent COMMAND")
		for _, name := range []string{"node", "init", "beside", "reboot", "link", "enter", "vm", "boot", "segment", "session", "connect", "listen", "cni", "confined", "exec-container", "announce-images", "pull-image", "oci-runtime", "cri-config"} {
			fmt.Fprintf(os.Stderr, "  %-15s %s\n", name, commands[name].help)
		}
		os.Exit(2)
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
