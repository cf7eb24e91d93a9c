package root

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// hidden is the host's configuration that would affect a node: a single file in /etc/cni/net.d changes every result.
var hidden = []string{
	"cni", "containerd", "crictl.yaml", "kubernetes", "crio", "containers", "docker", "cdi", "nri", "runc",
	"nftables.conf", "iptables",
}

// etc is the host's, copy-on-write, without what is hidden. Identify gives it an identity of its own.
func etc(options Options) error {
	if err := etcOverlay(options); err != nil {
		if copied := etcCopy(options.Layers); copied != nil {
			return fmt.Errorf("could not give the node its own /etc: %w", errors.Join(err, copied))
		}
	}
	for _, name := range hidden {
		if err := os.RemoveAll("/etc/" + name); err != nil {
			return err
		}
	}
	return nil
}

func etcOverlay(options Options) error {
	const scratch = "/lab/.etc"
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return err
	}
	if err := mount("tmpfs", scratch, "tmpfs", 0, options.tmpfs()); err != nil {
		return err
	}
	// from now on the overlay holds the scratch file system, and nobody else needs to see it
	defer func() { _ = errors.Join(unix.Unmount(scratch, unix.MNT_DETACH), os.Remove(scratch)) }()
	if err := errors.Join(os.Mkdir(scratch+"/upper", 0o755), os.Mkdir(scratch+"/work", 0o755)); err != nil {
		return err
	}
	data := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", strings.Join(lowers("etc", options.Layers), ":"), scratch, scratch)
	return mount("overlay", "/etc", "overlay", 0, data)
}

// etcCopy is used if the host's file system cannot carry an overlay, for example an overlay of overlays.
func etcCopy(layers []string) error {
	trees := []string{host + "/etc"}
	for i := len(layers) - 1; i >= 0; i-- {
		trees = append(trees, host+layers[i]+"/etc")
	}
	for _, tree := range trees {
		if err := copyTree(tree, "/etc"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, info.Mode().Perm())
		case entry.Type()&os.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			_ = os.Remove(target)
			return os.Symlink(link, target)
		case entry.Type().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, content, info.Mode().Perm())
		default:
			return nil
		}
	})
}

// Identity is a node's name, and the names of other nodes: lines of /etc/hosts.
type Identity struct{ Name, Hosts string }

// Identify names the node, which may have had another identity before. The result is the same for each node of one
// name, on every host. A file that was changed since then is left as it is.
func Identify(now, former Identity) error {
	if err := unix.Sethostname([]byte(now.Name)); err != nil {
		return err
	}
	before := former.files()
	for file, content := range now.files() {
		path := "/etc/" + file
		if found, err := os.ReadFile(path); former.Name != "" && (err != nil || string(found) != before[file]) {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// files returns the files that name a node. CRI copies resolv.conf and fails without it. On hosts with
// systemd-resolved it is a link into /run, which a node does not have.
func (i Identity) files() map[string]string {
	return map[string]string{
		"hostname":    i.Name + "\n",
		"hosts":       "127.0.0.1 localhost\n127.0.1.1 " + i.Name + "\n::1 localhost ip6-localhost ip6-loopback\n" + i.Hosts,
		"resolv.conf": "# a node reaches no network but its own\nnameserver 127.0.0.1\n",
		"machine-id":  fmt.Sprintf("%x\n", sha256.Sum256([]byte(i.Name)))[:32] + "\n",
	}
}
