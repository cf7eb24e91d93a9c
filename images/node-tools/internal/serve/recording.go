package serve

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"

	"cnilab/node-tools/internal/recorder"
)

// recordedByHand is where the plugin calls of a kept node are recorded when no lab listens, one JSON object per line.
const recordedByHand = "/var/log/cni-calls.jsonl"

// recording is the recorder of this node, if plugin calls are recorded, and the request that follows it.
type recording struct {
	mutex    sync.Mutex
	recorder *recorder.Recorder
	out      *lines
	// follower is the id of the request that gets the records; 0 until its reply has been sent
	follower int64
	waiting  []any
}

// begin starts the recorder, with the program of the stand-ins. If it already runs, as on a machine that was saved
// with it, the lab that asks now gets all later calls.
func (r *recording) begin(program string, out *lines) error {
	r.mutex.Lock()
	r.follower, r.waiting, r.out = 0, nil, out
	isAtWork := r.recorder != nil
	r.mutex.Unlock()
	if isAtWork {
		return nil
	}
	const standIn = "/lab/bin/cni-recorder" // short, because the first line of a script is limited to 127 bytes on older kernels
	if err := os.Symlink(program, standIn); err != nil {
		return err
	}
	begun, err := recorder.New(recorder.Options{
		Bin: "/opt/cni/bin", Folder: "/lab/plugins", Program: standIn, Netns: "/run/netns", Emit: r.emit,
	})
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.recorder = begun
	return err
}

// follow is called when the reply has been sent, so that no record is sent before it.
func (r *recording) follow(id int64) {
	r.mutex.Lock()
	waiting := r.waiting
	r.follower, r.waiting = id, nil
	r.mutex.Unlock()
	for _, one := range waiting {
		r.emit(one)
	}
}

func (r *recording) emit(record any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.follower == 0 {
		r.waiting = append(r.waiting, record)
		return
	}
	if !r.out.write(recordedEvent{"recorded", r.follower, record}) {
		appendRecord(record)
	}
}

func appendRecord(record any) {
	text, err := json.Marshal(record)
	if err != nil || os.MkdirAll(filepath.Dir(recordedByHand), 0o755) != nil {
		return
	}
	_ = appendFile(recordedByHand, append(text, '\n'), 0o644)
}

// drain reports everything that has happened so far.
func (r *recording) drain() {
	r.mutex.Lock()
	at := r.recorder
	r.mutex.Unlock()
	if at != nil {
		at.DrainNetns()
	}
}

// cover must be called when something may have put plugins on the node.
func (r *recording) cover() {
	r.mutex.Lock()
	recorder := r.recorder
	r.mutex.Unlock()
	if recorder != nil {
		recorder.Cover()
	}
}
