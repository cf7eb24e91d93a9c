package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errNoSCTP is not a result of the network: nothing can be tried if the kernel does not have the protocol.
var errNoSCTP = errors.New("the kernel of this node has no SCTP")

// dialSCTP makes a one-to-one association, which is then used like a TCP connection. Go's net package does not
// support the protocol. The errors have the wording of net's.
func dialSCTP(fromPort int, address string, deadline time.Time) (net.Conn, error) {
	to, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	socket, err := socketSCTP(to.IP)
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	if fromPort != 0 {
		if err := unix.Bind(socket, socketAddress(anyOf(to.IP), fromPort)); err != nil {
			return nil, fmt.Errorf("dial sctp %s: bind: %w", address, err)
		}
	}
	// connect waits as long as the timeout for sending
	wait := unix.NsecToTimeval(max(time.Until(deadline), time.Millisecond).Nanoseconds())
	if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait); err != nil {
		return nil, err
	}
	err = unix.Connect(socket, socketAddress(to.IP, to.Port))
	if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EAGAIN) {
		return nil, fmt.Errorf("dial sctp %s: i/o timeout", address)
	}
	if err != nil {
		return nil, fmt.Errorf("dial sctp %s: connect: %w", address, err)
	}
	return connectionOf(socket)
}

func listenSCTP(address net.IP, port int) (net.Listener, error) {
	socket, err := socketSCTP(address)
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	if err := unix.Bind(socket, socketAddress(address, port)); err != nil {
		return nil, fmt.Errorf("listen sctp :%d: bind: %w", port, err)
	}
	if err := unix.Listen(socket, 16); err != nil {
		return nil, fmt.Errorf("listen sctp :%d: %w", port, err)
	}
	file, err := duplicate(socket)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FileListener(file)
}

func socketSCTP(address net.IP) (int, error) {
	family := unix.AF_INET6
	if address.To4() != nil {
		family = unix.AF_INET
	}
	socket, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_SCTP)
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ESOCKTNOSUPPORT) {
		return 0, errNoSCTP
	}
	return socket, err
}

func socketAddress(address net.IP, port int) unix.Sockaddr {
	if four := address.To4(); four != nil {
		return &unix.SockaddrInet4{Port: port, Addr: [4]byte(four)}
	}
	return &unix.SockaddrInet6{Port: port, Addr: [16]byte(address.To16())}
}

func anyOf(address net.IP) net.IP {
	if address.To4() != nil {
		return net.IPv4zero
	}
	return net.IPv6zero
}

func connectionOf(socket int) (net.Conn, error) {
	file, err := duplicate(socket)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FileConn(file)
}

func duplicate(socket int) (*os.File, error) {
	copied, err := unix.FcntlInt(uintptr(socket), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(copied), "sctp"), nil
}
