// Package fake is a CNI plugin that does what a script says for each verb, and nothing else. It is a real program
// that the real runtime calls, so that its answers, failures and hangs are known in advance.
package fake

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// folder has the scripts: NAME.json is for the plugin that is called NAME. lab/nodes/provision.ts writes them. They
// are not in the plugin folder, because a runtime would take them for plugins there.
var folder = "/lab/fake-plugins"

// Script maps each verb, in lower case, to its behaviours. `others` is for all verbs that it does not name.
type Script map[string][]Behaviour

// Behaviour of one call, in this order: delegate, delay, own answer, delegateAfter, end.
type Behaviour struct {
	Delegate      string   `json:"delegate"`
	DelegateAfter string   `json:"delegateAfter"`
	DelayMs       int      `json:"delayMs"`
	Stderr        string   `json:"stderr"`
	Answer        *Answer  `json:"answer"`
	ExitCode      *int     `json:"exitCode"`
	Signal        string   `json:"signal"`
	Hang          HangKind `json:"hang"`
}

// HangKind says what never ends: the plugin, a child that keeps its output open, or both.
type HangKind string

const (
	HangPlugin HangKind = "plugin"
	HangChild  HangKind = "child"
	HangBoth   HangKind = "both"
)

// Answer has exactly one of these fields.
type Answer struct {
	Result   json.RawMessage `json:"result"`
	Error    *Error          `json:"error"`
	Print    *Content        `json:"print"`
	Versions []string        `json:"versions"`
}

// Error is an error as in the CNI specification.
type Error struct {
	CNIVersion string `json:"cniVersion"`
	Code       uint   `json:"code"`
	Msg        string `json:"msg"`
	Details    string `json:"details,omitempty"`
}

// Content is text, or bytes in an encoding.
type Content struct {
	Content  string `json:"content"`
	Encoding string `json:"encoding"`
}

func (content Content) bytes() ([]byte, error) {
	if content.Encoding == "base64" {
		return base64.StdEncoding.DecodeString(content.Content)
	}
	return []byte(content.Content), nil
}

// behaviourOf returns the behaviour for one call of a verb. The n-th call gets the n-th behaviour, later calls get
// the last.
func behaviourOf(script Script, verb string, call int) Behaviour {
	list, named := script[verb]
	if !named {
		list = script["others"]
	}
	if len(list) == 0 {
		return Behaviour{}
	}
	return list[min(call, len(list)-1)]
}

// readScript returns the script of a plugin, and how many calls of this verb came before this one.
func readScript(folder, name, verb string) (Script, int, error) {
	path := filepath.Join(folder, name+".json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	script := Script{}
	if err := json.Unmarshal(text, &script); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	if list, named := script[verb]; len(list) < 2 && (named || len(script["others"]) < 2) {
		return script, 0, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	call, err := count(path+"."+verb, info.ModTime().UnixNano())
	return script, call, err
}

// count adds one to the number in a file and returns the old number. It starts at 0 for each new script. Calls may
// come at the same time.
func count(path string, scriptTime int64) (int, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return 0, err
	}
	text := make([]byte, 64)
	length, _ := file.ReadAt(text, 0)
	stamp, number, _ := strings.Cut(string(text[:length]), " ")
	before := 0
	if stamp == strconv.FormatInt(scriptTime, 10) {
		if before, err = strconv.Atoi(number); err != nil {
			return 0, errors.New(path + " is damaged")
		}
	}
	if err := file.Truncate(0); err != nil {
		return 0, err
	}
	_, err = file.WriteAt([]byte(fmt.Sprintf("%d %d", scriptTime, before+1)), 0)
	return before, err
}
