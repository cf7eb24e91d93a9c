// Package serve is the node's side of the lab's protocol: JSON lines, a request and some time later its reply, any number
// of them at once. lab/nodes/agent-protocol.ts is the other side.
package serve

import (
	"encoding/json"
	"io"
	"sync"

	"cnilab/node-tools/internal/cri"
)

type request struct {
	ID        int64             `json:"id"`
	Op        string            `json:"op"`
	Argv      []string          `json:"argv"`
	Env       map[string]string `json:"env"`
	Cwd       string            `json:"cwd"`
	Stdin     string            `json:"stdin"`
	TimeoutMs int64             `json:"timeoutMs"`
	LogPath   string            `json:"logPath"`
	Path      string            `json:"path"`
	Offset    int64             `json:"offset"`
	Files     []file            `json:"files"`
	Base64    []byte            `json:"base64"`
	Mode      uint32            `json:"mode"`
	Pid       int               `json:"pid"`
	Signal    string            `json:"signal"`
	// Exec is the id of the request whose command is to be killed.
	Exec    int64      `json:"exec"`
	Runtime cri.Traits `json:"runtime"`
}

// reply carries a result or the reason why there is none, which is the lab's fault and not the system's under test.
type reply struct {
	ID     int64  `json:"id"`
	OK     bool   `json:"ok"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
	// CannotStart says that the command did not even begin.
	CannotStart bool `json:"cannotStart,omitempty"`
}

// readyEvent is the first line of all: the node is made.
type readyEvent struct {
	Event string `json:"event"`
}

// endedEvent says that a process started in the background has ended; Start is the id of the request that started it.
type endedEvent struct {
	Event string `json:"event"`
	Start int64  `json:"start"`
	exit
}

// recordedEvent is something that the recorder of plugin calls saw; Start is the id of the request that follows it.
type recordedEvent struct {
	Event  string `json:"event"`
	Start  int64  `json:"start"`
	Record any    `json:"record"`
}

// exit is how a process ended: one of the two is nil.
type exit struct {
	ExitCode *int    `json:"exitCode"`
	Signal   *string `json:"signal"`
}

// lines writes one JSON value a line, whole, whoever writes at the same time.
type lines struct {
	mutex sync.Mutex
	to    io.Writer
}

func (l *lines) write(value any) (isRead bool) {
	text, err := json.Marshal(value)
	if err != nil {
		text, _ = json.Marshal(reply{Error: err.Error()})
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.to == nil {
		return false
	}
	_, _ = l.to.Write(append(text, '\n')) // nobody reads: then stdin ends as well, and that ends the node
	return true
}

// close: nobody will read any more, and a write to a port without a reader would wait for one.
func (l *lines) close() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.to = nil
}
