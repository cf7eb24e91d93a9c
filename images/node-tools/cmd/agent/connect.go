package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// couldNotTry is the exit code if no connection was tried, so that nothing refused it. It is EX_UNAVAILABLE.
const couldNotTry = 69

// connect connects to an address, from a network namespace if one is named, and prints the answer: over TCP and SCTP
// until the other side has sent everything, over UDP one datagram. Refused, reset, unreachable and timed out are
// results of the network, with exit code 1. main locks the thread, and Go opens the socket of a literal address on
// the calling thread.
func connect(args []string) error {
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	netns := flags.String("netns", "", "file of the network namespace to dial from")
	protocol := flags.String("protocol", "tcp", "tcp, udp or sctp")
	fromPort := flags.Int("from-port", 0, "port to dial from; 0: any that is free")
	send := flags.String("send", "", "text to send first; over UDP a datagram, also an empty one")
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
	connection, err := dial(*protocol, *fromPort, address, deadline)
	if err != nil {
		var unknown *net.DNSError
		if errors.As(err, &unknown) || errors.Is(err, unix.EADDRINUSE) || errors.Is(err, errNoSCTP) {
			cannotTry(err)
		}
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(deadline); err != nil {
		return err
	}
	if *send != "" || *protocol == "udp" {
		if _, err := io.WriteString(connection, *send); err != nil {
			return err
		}
	}
	if *protocol == "udp" {
		datagram := make([]byte, 1<<16)
		length, err := connection.Read(datagram)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(datagram[:length])
		return err
	}
	_, err = io.Copy(os.Stdout, connection)
	return err
}

func dial(protocol string, fromPort int, address string, deadline time.Time) (net.Conn, error) {
	dialer := &net.Dialer{Deadline: deadline, Control: reuseAddress}
	switch protocol {
	case "tcp":
		if fromPort != 0 {
			dialer.LocalAddr = &net.TCPAddr{Port: fromPort}
		}
	case "udp":
		if fromPort != 0 {
			dialer.LocalAddr = &net.UDPAddr{Port: fromPort}
		}
	case "sctp":
		return dialSCTP(fromPort, address, deadline)
	default:
		cannotTry(fmt.Errorf("no such protocol: %q", protocol))
	}
	return dialer.Dial(protocol, address)
}

// reuseAddress lets a fixed port be used again while the kernel still waits for late packets of its last connection.
func reuseAddress(_, _ string, raw syscall.RawConn) error {
	var failed error
	if err := raw.Control(func(descriptor uintptr) {
		failed = unix.SetsockoptInt(int(descriptor), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}); err != nil {
		return err
	}
	return failed
}

// checkAddress returns what is wrong with an address that cannot be dialled.
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
