package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// connect dials a TCP address, from a network namespace if one is named, and prints what it reads until the other side
// has said all. The thread is locked by main, and Go opens the socket of a literal address on the calling thread.
func connect(args []string) error {
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	netns := flags.String("netns", "", "file of the network namespace to dial from")
	send := flags.String("send", "", "text to send first")
	timeoutMs := flags.Int("timeout-ms", 2000, "for all of it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	address := flags.Arg(0)
	if flags.NArg() > 0 { // flags may follow the address
		if err := flags.Parse(flags.Args()[1:]); err != nil {
			return err
		}
	}
	if address == "" || flags.NArg() > 0 {
		return errors.New("agent connect needs one ADDRESS:PORT")
	}
	if *netns != "" {
		if err := joinNetwork(*netns); err != nil {
			return fmt.Errorf("could not join the network namespace %s: %w", *netns, err)
		}
	}
	deadline := time.Now().Add(time.Duration(*timeoutMs) * time.Millisecond)
	connection, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(deadline); err != nil {
		return err
	}
	if *send != "" {
		if _, err := io.WriteString(connection, *send); err != nil {
			return err
		}
	}
	_, err = io.Copy(os.Stdout, connection)
	return err
}

func joinNetwork(path string) error {
	namespace, err := os.Open(path)
	if err != nil {
		return err
	}
	defer namespace.Close()
	return unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
}
