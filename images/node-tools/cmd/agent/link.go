package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"cnilab/node-tools/internal/recorder"
)

// In a cluster of kind, kind starts the containers, and nobody holds their streams. The lab connects to the agent of a
// node with `docker exec -i NODE agent link`. The end of that command, however it ends, is the end of the node.

const linkSocket = "/lab/link.sock"

// labWithin is how long a node waits for its lab. kind itself waits half a minute for the boot of a node.
const labWithin = time.Minute

// waiting is printed to the log of the container once the node is made and the lab may connect. Before that, no command
// can be started in the container. lab/nodes/backends/container/kind-cluster.ts looks for it.
const waiting = "waiting for the lab"

// awaitLab returns the connection to the lab, and the process of `link` at its other end. There is only one.
func awaitLab() (lab *net.UnixConn, link int, err error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: linkSocket, Net: "unix"})
	if err != nil {
		return nil, 0, err
	}
	defer listener.Close()
	if err := listener.SetDeadline(time.Now().Add(labWithin)); err != nil {
		return nil, 0, err
	}
	fmt.Println(waiting)
	if lab, err = listener.AcceptUnix(); err != nil {
		return nil, 0, fmt.Errorf("no lab has connected to the node: %w", err)
	}
	link, err = recorder.PeerOf(lab)
	return lab, link, err
}

// announceBoot prints the line that kind waits for in the log of a container.
func announceBoot() error {
	_, err := fmt.Println("Reached target Multi-User System.")
	return err
}

// link copies the streams of a command in the container to the agent and back, until one of them ends.
func link(args []string) error {
	if len(args) > 0 {
		return errors.New("agent link takes no arguments")
	}
	agent, err := net.Dial("unix", linkSocket)
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() {
		_, err := io.Copy(agent, os.Stdin)
		ended <- err
	}()
	go func() {
		_, err := io.Copy(os.Stdout, agent)
		ended <- err
	}()
	return <-ended
}
