// Package session runs interactive commands on a node that is a virtual machine, as nsenter does for a bare node. A
// port of the machine carries one session at a time, as frames. This is the host's side; internal/serve is the
// guest's.
package session

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// Greeting is what the guest sends to each new connection. What comes before it was meant for an earlier connection.
const Greeting = "\x00cnilab session\n"

// Kinds of frames, from the host to the guest and from the guest to the host.
const (
	Command    = 'c' // a Request, as JSON
	Input      = 'i'
	InputEnd   = 'e'
	WindowSize = 'w' // a Size, as JSON
	Signal     = 's' // the name of a signal, such as SIGINT

	Output = 'o'
	Errors = 'r'
	Exit   = 'x' // one byte, the exit code as a shell reports it
	Refuse = 'f' // the reason why the command was not started
)

// Request is the command, and the terminal for it, if any.
type Request struct {
	Argv []string `json:"argv"`
	Term string   `json:"term"`
	TTY  *Size    `json:"tty"`
}

// Size is the size of a terminal.
type Size struct {
	Rows    uint16 `json:"rows"`
	Columns uint16 `json:"columns"`
}

// MaxFrame is the maximum content of one frame, in bytes.
const MaxFrame = 1 << 20

// Writer writes whole frames. Concurrent writes are not mixed.
type Writer struct {
	mutex sync.Mutex
	to    io.Writer
}

func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

func (w *Writer) Frame(kind byte, content []byte) error {
	frame := make([]byte, 5, 5+len(content))
	frame[0] = kind
	binary.BigEndian.PutUint32(frame[1:], uint32(len(content)))
	w.mutex.Lock()
	defer w.mutex.Unlock()
	_, err := w.to.Write(append(frame, content...))
	return err
}

// Copy sends everything from a reader as frames of one kind.
func (w *Writer) Copy(kind byte, from io.Reader) {
	buffer := make([]byte, 16<<10)
	for {
		count, err := from.Read(buffer)
		if count > 0 && w.Frame(kind, buffer[:count]) != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

func ReadFrame(from io.Reader) (kind byte, content []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > MaxFrame {
		return 0, nil, errors.New("a frame that is too large")
	}
	content = make([]byte, size)
	_, err = io.ReadFull(from, content)
	return head[0], content, err
}
