package look

import (
	"os"
	"path/filepath"
	"testing"

	"cnilab/node-tools/internal/cri"
)

func TestConfiguredFoldersAreFoundHoweverDeepTheyStand(t *testing.T) {
	known := newConflists(&cri.Runtime{})
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

func TestTheRuntimesConfigurationMayNameAnotherFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "10-net.conf"), []byte("[crio.network]\nnetwork_dir = \"/etc/other/\"\nconf_dir = \"/etc/not\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	traits := cri.Traits{}
	traits.CNIFolder.Files, traits.CNIFolder.Key = []string{folder + "/none.conf", folder + "/*"}, "network_dir"
	runtime := &cri.Runtime{}
	expect(t, newConflists(runtime).confFolders(), []string{"/etc/cni/net.d"})
	runtime.Use(traits)
	expect(t, newConflists(runtime).confFolders(), []string{"/etc/cni/net.d", "/etc/other"})
}

func TestAFolderBelowAPlaceIsNotReadTwiceAndOneThatIsNotEnteredIsReadForItself(t *testing.T) {
	expect(t, rootsOf([]string{"/data", "/data/more", "/run/cni-ipam-state", "/run/lock/net", "/run/own/net"}, notEntered([]string{"/run/own"})), []string{
		"/var/lib/cni", "/run", "/tmp", "/data", "/run/lock/net", "/run/own/net",
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
