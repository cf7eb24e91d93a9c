package serve

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"cnilab/node-tools/internal/recorder"
)

// captureLimit is how many bytes one stream of a command may have. More means that the command went wrong.
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

// collect reads until all writers are gone or finish stops it.
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

// finish is called when the command itself has ended. All its output is then in the pipe and is read. Nobody waits
// for a process that it left behind. Such a process may continue to write, and no closed pipe ends it.
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

// drain reads what is in the pipe now and reports whether all writers are gone.
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

// inputOf returns the standard input of a command: the text, or an empty input.
func inputOf(text string) (*os.File, error) {
	if text == "" {
		return os.Open("/dev/null")
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		_, _ = io.WriteString(write, text) // the command may end without reading all of it
		write.Close()
	}()
	return read, nil
}
