// Package segment is the network between the nodes of a group: one Ethernet segment without a route out, and an
// interface `lab0` on each node. Namespaces are connected by a bridge in a network namespace that belongs to no node,
// virtual machines by a switch in a process. Nothing of it is ever in the host's own network, and all of it ends with
// the last node.
package segment

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// bridge is the name of the bridge in its own namespace.
const bridge = "segment"

// Main runs `agent segment`: it makes the segment, reports that it is ready, and holds it until its input ends. From
// then on the nodes hold it. The calling thread must be the first of the process, because others find its namespace.
func Main(args []string) error {
	flags := flag.NewFlagSet("segment", flag.ContinueOnError)
	unshare := flags.Bool("unshare", false, "make a network namespace for it; an engine has made the one of a container")
	flags.String("name", "", "for those who look at processes")
	address := flags.String("switch", "", "be a switch of virtual machines, which connect to this abstract Unix socket")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *address != "" {
		return serveSwitch(*address)
	}
	if *unshare {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("could not make a network namespace: %w", err)
		}
	}
	if err := makeBridge(); err != nil {
		return err
	}
	sayReady()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

func sayReady() { fmt.Println(`{"event":"ready"}`) }

func makeBridge() error {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = bridge
	made := &netlink.Bridge{LinkAttrs: attributes}
	if err := netlink.LinkAdd(made); err != nil {
		return fmt.Errorf("could not make a bridge: %w", err)
	}
	return netlink.LinkSetUp(made)
}

// Enter moves the calling thread, and so what it starts, into the segment that a process holds.
func Enter(pid int) error {
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return fmt.Errorf("the network of the nodes is gone: %w", err)
	}
	defer namespace.Close()
	return unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
}

// loadDriver loads the driver of a virtual machine's network device, which nothing has loaded yet. modprobe's exit
// status may be lost, because the first process reaps all orphans. Then the result shows when the caller waits for
// the device.
func loadDriver() error {
	output, err := exec.Command("/sbin/modprobe", "virtio_net").CombinedOutput()
	if err == nil || errors.Is(err, unix.ECHILD) {
		return nil
	}
	return errors.Join(fmt.Errorf("%s: %w", whatIsNeeded, err), errors.New(string(output)))
}

const whatIsNeeded = "its kernel needs the driver virtio_net"
