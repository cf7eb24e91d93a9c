package look

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cnilab/node-tools/internal/cri"

	"golang.org/x/sys/unix"
)

func TestAViewThatDoesNotEndIsUnseenAndTheOthersAreSeen(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	state := State{}
	state.see(time.Now(),
		view{[]string{"netns"}, func() ([]Item, error) { return []Item{{Kind: "netns", Name: "a"}}, nil }},
		view{[]string{"veth", "link"}, func() ([]Item, error) { <-never; return []Item{{Kind: "veth", Name: "b"}}, nil }},
		view{[]string{"mount"}, func() ([]Item, error) { return nil, errors.New("no mounts") }},
	)
	expect(t, names(state.Items), []string{"netns a"})
	unseen := map[string]string{}
	for _, one := range state.Unseen {
		unseen[one.Kind] = one.Why
	}
	expect(t, keys(unseen), []string{"link", "mount", "veth"})
	if unseen["mount"] != "no mounts" || unseen["veth"] != "looking took more than 2s" {
		t.Errorf("got %v", unseen)
	}
}

// Opening a pipe that nobody writes to waits for a writer.
func TestAPipeInPlaceOfAFileIsNotRead(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "10.88.0.2")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/10-net.conf", []byte(`{"name": "net"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	setting := filepath.Join(t.TempDir(), "runtime.conf")
	if err := os.WriteFile(setting, []byte("network_dir = \""+folder+"\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	traits := cri.Traits{}
	traits.CNIFolder.Files, traits.CNIFolder.Key = []string{pipe, setting}, "network_dir"
	runtime := &cri.Runtime{}
	runtime.Use(traits)
	conflists := newConflists(runtime)
	if err := conflists.look(); err != nil {
		t.Fatal(err)
	}
	texts, _ := conflists.known()
	expect(t, texts, []string{`{"name": "net"}`})
	if _, err := reservation(filepath.Dir(folder), filepath.Base(folder), "10.88.0.2"); err == nil {
		t.Error("a pipe was read as a reservation")
	}
	if lines := lastLines(pipe); lines != nil {
		t.Errorf("got %v", lines)
	}
}
