package look

import (
	"os"
	"path/filepath"
	"testing"
)

func TestConfiguredFoldersAreFoundHoweverDeepTheyStand(t *testing.T) {
	known := newConflists()
	known.remember(`{ "name": "net", "plugins": [
		{ "type": "ptp", "ipam": { "type": "host-local", "dataDir": "/run/cni-ipam-state" } },
		{ "type": "multus", "cniDir": "/opt/multus/", "delegates": [ { "ipam": { "dataDir": "/data", "daemonSocketPath": "/run/d.sock" } } ] },
		{ "type": "tuning", "dataDir": "relative" } ] }`)
	known.remember(`{ "broken`)
	texts, folders := known.known()
	expect(t, folders, []string{"/data", "/opt/multus", "/run/cni-ipam-state", "/run/d.sock"})
	if len(texts) != 1 {
		t.Errorf("got %d texts", len(texts))
	}
}

func TestAFolderBelowAPlaceIsNotReadTwiceAndOneThatIsNotEnteredIsReadForItself(t *testing.T) {
	expect(t, rootsOf([]string{"/data", "/data/more", "/run/cni-ipam-state", "/run/lock/net"}), []string{
		"/var/lib/cni", "/run", "/tmp", "/data", "/run/lock/net",
	})
}

func TestReservationsOfAnyDataFolderAreIpamAndAllElseIsAFile(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"net/10.88.0.2", "net/fd00::2", "net/lock", "net/last_reserved_ip.0", "net/other", "top", ".cnilab-1/file"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("abc\r\neth0"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	walk := walk{dataFolders: []string{root}}
	if err := walk.enter(root); err != nil {
		t.Fatal(err)
	}
	expect(t, names(walk.items), []string{
		"ipam net/10.88.0.2", "ipam net/fd00::2", "ipam-state net/last_reserved_ip.0", "ipam-state net/lock",
		"file " + root + "/net/other", "file " + root + "/top",
	})
	if detail := walk.items[0].Detail; detail["id"] != "abc" || detail["ifname"] != "eth0" || detail["folder"] != root {
		t.Errorf("got %v", detail)
	}
}

func TestAPathThatIsNoFolderIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dhcp.sock")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	walk := walk{}
	if err := walk.enter(path); err != nil {
		t.Fatal(err)
	}
	expect(t, names(walk.items), []string{"file " + path})
}
