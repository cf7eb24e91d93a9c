package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// QEMU's `-netdev socket` sends a frame over a stream as its length in four bytes, big-endian, followed by the frame.
const (
	lengthBytes = 4
	// longest is larger than any frame of a device with an MTU of 1500.
	longest = 68 << 10
	// waiting is how many frames a machine may be behind. More are lost, as on any switch.
	waiting = 512
)

// hub forwards each frame to all other ports. Groups are small, and a machine's device ignores frames for others.
type hub struct {
	mutex sync.Mutex
	ports map[*port]bool
	// done: no more machines will connect
	done  bool
	empty chan struct{}
}

type port struct {
	connection net.Conn
	frames     chan []byte
}

// serveSwitch ends with the last of its machines, once its input has ended. An abstract socket leaves nothing on a
// disk. Connections of other users are refused.
func serveSwitch(address string) error {
	listener, err := net.Listen("unix", "@"+address)
	if err != nil {
		return fmt.Errorf("could not open the network of the nodes: %w", err)
	}
	h := &hub{ports: map[*port]bool{}, empty: make(chan struct{})}
	go h.accept(listener)
	sayReady()
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = listener.Close()
	h.close()
	_ = errors.Join(os.Stdout.Close(), os.Stderr.Close()) // shows the lab that its part is done
	<-h.empty
	return nil
}

func (h *hub) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if !isOwn(connection) {
			connection.Close()
			continue
		}
		h.add(connection)
	}
}

func isOwn(connection net.Conn) bool {
	raw, err := connection.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	var peer *unix.Ucred
	controlled := raw.Control(func(descriptor uintptr) {
		peer, err = unix.GetsockoptUcred(int(descriptor), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return controlled == nil && err == nil && int(peer.Uid) == os.Getuid()
}

func (h *hub) add(connection net.Conn) {
	one := &port{connection, make(chan []byte, waiting)}
	h.mutex.Lock()
	h.ports[one] = true
	h.mutex.Unlock()
	go one.send()
	go func() {
		h.receive(one)
		connection.Close()
		h.remove(one)
	}()
}

func (h *hub) receive(from *port) {
	length := make([]byte, lengthBytes)
	for {
		if _, err := io.ReadFull(from.connection, length); err != nil {
			return
		}
		size := binary.BigEndian.Uint32(length)
		if size > longest {
			return
		}
		frame := make([]byte, lengthBytes+size)
		copy(frame, length)
		if _, err := io.ReadFull(from.connection, frame[lengthBytes:]); err != nil {
			return
		}
		h.mutex.Lock()
		for to := range h.ports {
			if to == from {
				continue
			}
			select {
			case to.frames <- frame:
			default: // a machine that does not read, for example while it is saved
			}
		}
		h.mutex.Unlock()
	}
}

func (p *port) send() {
	for frame := range p.frames {
		if _, err := p.connection.Write(frame); err != nil {
			p.connection.Close()
		}
	}
}

func (h *hub) remove(one *port) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	delete(h.ports, one)
	close(one.frames)
	h.endIfEmpty()
}

func (h *hub) close() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.done = true
	h.endIfEmpty()
}

// endIfEmpty is called with the mutex held. After the last machine nobody connects.
func (h *hub) endIfEmpty() {
	if h.done && len(h.ports) == 0 {
		close(h.empty)
		h.done = false
	}
}
