package session

import (
	"bytes"
	"strings"
	"testing"
)

func TestFramesComeOutAsTheyWentIn(t *testing.T) {
	var line bytes.Buffer
	writer := NewWriter(&line)
	writer.Copy(Output, strings.NewReader("a\x00b"))
	_ = writer.Frame(Exit, []byte{7})
	for _, want := range []struct {
		kind    byte
		content string
	}{{Output, "a\x00b"}, {Exit, "\x07"}} {
		kind, content, err := ReadFrame(&line)
		if kind != want.kind || string(content) != want.content || err != nil {
			t.Errorf("got %q %q, %v", kind, content, err)
		}
	}
}

func TestWhatStandsBeforeTheGreetingIsNotRead(t *testing.T) {
	rest := strings.NewReader("left over\x00cni\x00cnilab session\nmine")
	err := awaitGreeting(rest)
	text := make([]byte, rest.Len())
	_, _ = rest.Read(text)
	if err != nil || string(text) != "mine" {
		t.Errorf("got %q, %v", text, err)
	}
}
