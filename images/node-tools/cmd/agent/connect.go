package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// couldNotTry is the exit code where no connection was tried, so that nothing refused it; it is EX_UNAVAILABLE.
const couldNotTry = 69

// connect dials a TCP address, from a network namespace if one is named, and prints what it reads until the other side
// has sent everything. Refused, reset, unreachable and silent are answers of the network, and end with 1. The thread is locked by
// main, and Go opens the socket of a literal address on the calling thread.
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
	if flags.NArg() > 0 {
		return errors.New("agent connect needs one ADDRESS:PORT")
	}
	if err := checkAddress(address); err != nil {
		cannotTry(err)
	}
	if *netns != "" {
		if err := joinNetwork(*netns); err != nil {
			cannotTry(fmt.Errorf("could not join the network namespace %s: %w", *netns, err))
		}
	}
	deadline := time.Now().Add(time.Duration(*timeoutMs) * time.Millisecond)
	connection, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", address)
	if err != nil {
		var unknown *net.DNSError
		if errors.As(err, &unknown) {
			cannotTry(err)
		}
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

// checkAddress says what is wrong with an address that no dialer could try.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	number, notNumber := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || notNumber != nil || number == 0 {
		return fmt.Errorf("%q is no ADDRESS:PORT with a port from 1 to 65535", address)
	}
	return nil
}

func cannotTry(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(couldNotTry)
}

func joinNetwork(path string) error {
	namespace, err := os.Open(path)
	if err != nil {
		return err
	}
	defer namespace.Close()
	return unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
}
