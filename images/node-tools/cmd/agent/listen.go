package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listening is what `listen` prints once it can be reached. lab/steps/commands.ts waits for it.
const listening = "listening"

// listen answers on a port: a connection with a text and then its end, a datagram with a datagram. In a pod's network
// namespace it ends when the namespace's file is removed. Otherwise it would keep the namespace alive, which a
// container of the pod would not.
func listen(args []string) error {
	flags := flag.NewFlagSet("listen", flag.ContinueOnError)
	netns := flags.String("netns", "", "file of the network namespace to listen in")
	protocol := flags.String("protocol", "tcp", "tcp, udp or sctp")
	port := flags.Int("port", 0, "on all addresses")
	answer := flags.String("answer", "", "text to answer with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *port == 0 || flags.NArg() > 0 {
		return errors.New("agent listen needs --port PORT")
	}
	if *netns != "" {
		if err := endWith(*netns); err != nil {
			cannotTry(err)
		}
		if err := joinNetwork(*netns); err != nil {
			cannotTry(fmt.Errorf("could not join the network namespace %s: %w", *netns, err))
		}
	}
	switch *protocol {
	case "tcp":
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprintf(":%d", *port))
		if err != nil {
			return err
		}
		return answerConnections(listener, *answer)
	case "sctp":
		listener, err := listenSCTP(net.IPv6zero, *port)
		if errors.Is(err, errNoSCTP) {
			cannotTry(err)
		}
		if err != nil {
			return err
		}
		return answerConnections(listener, *answer)
	case "udp":
		socket, err := net.ListenUDP("udp", &net.UDPAddr{Port: *port})
		if err != nil {
			return err
		}
		return answerDatagrams(socket, *answer)
	default:
		return fmt.Errorf("no such protocol: %q", *protocol)
	}
}

func answerConnections(listener net.Listener, answer string) error {
	fmt.Println(listening)
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go answerOne(connection, answer)
	}
}

// answerOne reads the request before it closes. Otherwise the kernel resets the connection, and the answer may be
// lost.
func answerOne(connection net.Conn, answer string) {
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(connection, answer); err != nil {
		return
	}
	if half, ok := connection.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		_, _ = io.Copy(io.Discard, connection)
	}
}

// answerDatagrams answers from the address that was asked, which a socket on all addresses does not do by itself.
func answerDatagrams(socket *net.UDPConn, answer string) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(descriptor uintptr) {
		_ = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}); err != nil {
		return err
	}
	fmt.Println(listening)
	datagram, control := make([]byte, 1<<16), make([]byte, 256)
	for {
		_, length, _, from, err := socket.ReadMsgUDP(datagram, control)
		if err != nil {
			return err
		}
		_, _, _ = socket.WriteMsgUDP([]byte(answer), askedAddress(control[:length]), from) // unreachable clients get no answer
	}
}

// askedAddress turns the destination of a datagram into the source of its answer; nil if it is not known.
func askedAddress(control []byte) []byte {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for _, message := range messages {
		if message.Header.Level != unix.IPPROTO_IPV6 || message.Header.Type != unix.IPV6_PKTINFO || len(message.Data) < unix.SizeofInet6Pktinfo {
			continue
		}
		var asked unix.Inet6Pktinfo
		copy((*[unix.SizeofInet6Pktinfo]byte)(unsafe.Pointer(&asked))[:], message.Data)
		asked.Ifindex = 0
		return unix.PktInfo6(&asked)
	}
	return nil
}

// endWith ends this process when a file is removed.
func endWith(path string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return err
	}
	if _, err := unix.InotifyAddWatch(watch, filepath.Dir(path), unix.IN_DELETE|unix.IN_DELETE_SELF|unix.IN_MOVED_FROM); err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil { // it was removed before the watch began
		return err
	}
	go func() {
		events := make([]byte, 64<<10)
		for {
			_, err := unix.Read(watch, events)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if _, gone := os.Stat(path); err != nil || gone != nil {
				os.Exit(0)
			}
		}
	}()
	return nil
}
