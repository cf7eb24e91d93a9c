package serve

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"cnilab/node-tools/internal/recorder"
)

// captureLimit is what one stream of one command may print: more is a command gone wild, not a result.
const captureLimit = 64 << 20

// capture collects what a command writes to a pipe.
type capture struct {
	read, write *os.File
	text        []byte
	tooMuch     bool
	done        chan struct{}
}

func newCapture() (*capture, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &capture{read: read, write: write, done: make(chan struct{})}, nil
}

// collect reads until all writers are gone or finish calls it off.
func (c *capture) collect(pid int) {
	defer close(c.done)
	buffer := make([]byte, 32<<10)
	for {
		count, err := c.read.Read(buffer)
		c.add(buffer[:count])
		if c.tooMuch {
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
		if err != nil {
			return
		}
	}
}

func (c *capture) add(more []byte) {
	if len(c.text)+len(more) > captureLimit {
		c.tooMuch = true
		return
	}
	c.text = append(c.text, more...)
}

// finish is called when the command itself has ended. All it wrote is in the pipe by then, so that is read, and nobody
// waits for a process that it left behind; such a process may go on writing and is not ended by a closed pipe.
func (c *capture) finish() (string, error) {
	_ = c.read.SetReadDeadline(time.Unix(1, 0))
	<-c.done
	_ = c.read.SetReadDeadline(time.Time{})
	if c.drain() {
		c.read.Close()
	} else {
		go c.discard()
	}
	if c.tooMuch {
		return "", errors.New("too much output")
	}
	return string(c.text), nil
}

// drain reads what is there now and returns whether all writers are gone.
func (c *capture) drain() (ended bool) {
	return recorder.Drain(c.read, func(text []byte) error {
		c.add(text)
		return nil
	})
}

func (c *capture) discard() {
	c.write.Close()
	_, _ = io.Copy(io.Discard, c.read)
	c.read.Close()
}

// inputOf is what a command reads: the text, or nothing.
func inputOf(text string) (*os.File, error) {
	if text == "" {
		return os.Open("/dev/null")
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		_, _ = io.WriteString(write, text) // a command need not read all of it
		write.Close()
	}()
	return read, nil
}
