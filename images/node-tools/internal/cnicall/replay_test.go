package cnicall

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestACallIsRepeatedWithItsInputAndEnvironmentAlone(t *testing.T) {
	t.Setenv("CNI_ARGS", "of=another")
	plugin := filepath.Join(t.TempDir(), "plugin")
	script := "#!/bin/sh\necho \"$CNI_COMMAND [$CNI_ARGS] $(cat)\"\necho warned >&2\nexit 3\n"
	if err := os.WriteFile(plugin, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	call := recorded{Path: plugin, Env: map[string]string{"CNI_COMMAND": "ADD"}, Stdin: []byte("{}")}
	now, err := call.run()
	code := 3
	if want := (outcome{ExitCode: &code, Stdout: []byte("ADD [] {}\n"), Stderr: []byte("warned\n")}); err != nil || !reflect.DeepEqual(now, want) {
		t.Errorf("got %+v, %v", now, err)
	}
	if got := call.compare(now); !reflect.DeepEqual(got, []string{"differs: it exited with 3; the recorded call did not end"}) {
		t.Errorf("got %q", got)
	}
	call.Ended = &now
	if got := call.compare(now); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	killed := "SIGKILL"
	call.Ended = &outcome{Signal: &killed, Stdout: []byte("other\n"), Stderr: now.Stderr}
	want := []string{"differs: it exited with 3; the recorded call ended by SIGKILL", "differs: standard output; the recorded one:\nother"}
	if got := call.compare(now); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestANamespaceThatWasThereOrNotIsReported(t *testing.T) {
	here := t.TempDir()
	for _, test := range []struct {
		netns string
		makes bool
		want  []string
	}{
		{"", false, nil},
		{here + "/gone", false, nil},
		{here, false, []string{here + " is there, and was not"}},
		{here, true, []string{here + " is what is there now"}},
	} {
		got, err := recorded{Env: map[string]string{"CNI_NETNS": test.netns}, MakesNetns: test.makes}.prepareNetns()
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("got %q, %v", got, err)
		}
	}
}
