// Package segment is the network between the nodes of a group: one Ethernet segment from which nothing leads out, and an
// interface `lab0` on each node. Namespaces are joined by a bridge in a network namespace that no node is in, virtual machines
// by a switch in a process. None of it is ever in the host's own network, and all of it goes with the last of its nodes.
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

// bridge is what the bridge is called in its own namespace.
const bridge = "segment"

// Main runs `agent segment`: it makes the segment, says that it is ready, and holds it until its input ends. The nodes hold it
// themselves from then on. The calling thread must be the first of the process: its namespace is the one that others find.
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

// Enter puts the calling thread, and so what it starts, into the segment that a process holds.
func Enter(pid int) error {
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return fmt.Errorf("the network of the nodes is gone: %w", err)
	}
	defer namespace.Close()
	return unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
}

// loadDriver loads the driver of a virtual machine's network device, for which nobody has asked until now. How modprobe ended may be
// known to the first process's own reaping of orphans alone: then the device itself tells, as it is waited for.
func loadDriver() error {
	output, err := exec.Command("/sbin/modprobe", "virtio_net").CombinedOutput()
	if err == nil || errors.Is(err, unix.ECHILD) {
		return nil
	}
	return errors.Join(fmt.Errorf("%s: %w", whatIsNeeded, err), errors.New(string(output)))
}

const whatIsNeeded = "its kernel needs the driver virtio_net"
