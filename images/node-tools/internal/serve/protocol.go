// Package serve is the node's side of the lab's protocol: JSON lines, with requests and their replies, of which any
// number may be open at once. lab/nodes/agent-protocol.ts is the other side.
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
	// Service is the name of a process that a service manager starts, where the node has one.
	Service string `json:"service"`
	Path    string `json:"path"`
	Offset  int64  `json:"offset"`
	Files   []file `json:"files"`
	Base64  []byte `json:"base64"`
	Mode    uint32 `json:"mode"`
	Pid     int    `json:"pid"`
	Signal  string `json:"signal"`
	// Exec is the id of the request whose command is to be killed.
	Exec    int64      `json:"exec"`
	Runtime cri.Traits `json:"runtime"`
}

// reply carries a result, or the reason why there is none. The reason is a problem of the lab, not of the system
// under test.
type reply struct {
	ID     int64  `json:"id"`
	OK     bool   `json:"ok"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
	// CannotStart says that the command did not start.
	CannotStart bool `json:"cannotStart,omitempty"`
}

// readyEvent is the first line: the node is made.
type readyEvent struct {
	Event string `json:"event"`
}

// endedEvent reports that a background process has ended. Start is the id of the request that started it.
type endedEvent struct {
	Event string `json:"event"`
	Start int64  `json:"start"`
	exit
}

// recordedEvent is a record of the plugin call recorder. Start is the id of the request that follows the recorder.
type recordedEvent struct {
	Event  string `json:"event"`
	Start  int64  `json:"start"`
	Record any    `json:"record"`
}

// exit is how a process ended. One of the two is nil.
type exit struct {
	ExitCode *int    `json:"exitCode"`
	Signal   *string `json:"signal"`
}

// lines writes one JSON value per line. Concurrent writes are not mixed.
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
	_, _ = l.to.Write(append(text, '\n')) // if nobody reads, stdin ends too, and that ends the node
	return true
}

// close stops all output. Nobody will read any more, and a write to a port without a reader would block.
func (l *lines) close() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.to = nil
}
