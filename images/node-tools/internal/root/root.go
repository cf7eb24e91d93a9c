// Package root makes what a bare node sees as its machine: the host's programs, read-only, and nothing else of the host's.
package root

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cnilab/node-tools/internal/cgroup"

	"golang.org/x/sys/unix"
)

// Options say what one node's root is made of; all paths are the host's.
type Options struct {
	// Artifacts is the lab's cache, seen read-only at /lab/artifacts; without one that folder is empty.
	Artifacts string
	// Layers are trees laid over the host's /usr, /etc and so on: iptables and nft, where the host has none. The first wins.
	Layers []string
	// TmpfsBytes is what each of the node's file systems may hold; 0 is the kernel's own limit, half of all memory.
	TmpfsBytes int64
	// Staging is an empty folder to put the new root on until it is the root. Nothing stays there.
	Staging string
}

// tmpfs are the options of a file system that anybody may read.
func (o Options) tmpfs() string {
	if o.TmpfsBytes == 0 {
		return "mode=0755"
	}
	return fmt.Sprintf("mode=0755,size=%d", o.TmpfsBytes)
}

// host is where the host's root lies while the node's is made, and nowhere afterwards.
const host = "/.host"

// Build replaces the root of this mount namespace. To be called once, by the first process in new namespaces.
func Build(options Options) error {
	options, err := resolve(options)
	if err != nil {
		return err
	}
	layout, err := cgroup.ReadLayout()
	if err != nil {
		return err
	}
	if err := enter(options); err != nil {
		return err
	}
	if err := folders(options); err != nil {
		return err
	}
	steps := []func() error{
		func() error { return programs(options) },
		func() error { return etc(options) },
		proc,
		func() error { return sys(layout) },
		func() error { return dev(options) },
		func() error { return lab(options.Artifacts) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if err := unix.Unmount(host, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("could not let go of the host's root: %w", err)
	}
	if err := os.Remove(host); err != nil {
		return err
	}
	// containerd mounts network namespaces below /run and expects containers to see them; nothing of it leaves the node
	return mount("", "/", "", unix.MS_REC|unix.MS_SHARED, "")
}

// resolve follows links while the host's root is still the root.
func resolve(options Options) (Options, error) {
	var err error
	follow := func(path string) string {
		if path == "" {
			return ""
		}
		resolved, failed := filepath.EvalSymlinks(path)
		err = errors.Join(err, failed)
		return resolved
	}
	resolved := Options{Artifacts: follow(options.Artifacts), Staging: follow(options.Staging), TmpfsBytes: options.TmpfsBytes}
	for _, layer := range options.Layers {
		resolved.Layers = append(resolved.Layers, follow(layer))
	}
	return resolved, err
}

// enter makes a tmpfs the root, with the host's root at /.host. First of all, nothing may propagate to the host.
func enter(options Options) error {
	staging := options.Staging
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := mount("tmpfs", staging, "tmpfs", 0, options.tmpfs()); err != nil {
		return err
	}
	if err := os.Mkdir(staging+host, 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(staging, staging+host); err != nil {
		return fmt.Errorf("could not make %s the root (a root that is not a mount point, such as an initramfs or a chroot, cannot be left): %w", staging, err)
	}
	return os.Chdir("/")
}

// folders makes what is private to the node and empty.
func folders(options Options) error {
	for _, folder := range []string{
		"usr", "etc", "opt", "run", "home", "mnt", "srv", "media", "proc", "sys", "dev",
		"var/lib", "var/log", "var/cache", "lab/bin", "lab/artifacts",
	} {
		if err := os.MkdirAll("/"+folder, 0o755); err != nil {
			return err
		}
	}
	for folder, mode := range map[string]uint32{"/tmp": 0o1777, "/var/tmp": 0o1777, "/root": 0o700} {
		if err := errors.Join(unix.Mkdir(folder, mode), unix.Chmod(folder, mode)); err != nil {
			return fmt.Errorf("could not make %s: %w", folder, err)
		}
	}
	return errors.Join(
		mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options.tmpfs()),
		os.MkdirAll("/run/lock", 0o755),
		os.Symlink("/run", "/var/run"),
		os.Symlink("/run/lock", "/var/lock"),
	)
}

// programs brings the host's programs and libraries, with the layers' over them, read-only.
func programs(options Options) error {
	for _, folder := range []string{"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix"} {
		info, err := os.Lstat(host + "/" + folder)
		if err != nil {
			continue
		}
		if info.Mode()&os.ModeSymlink != 0 {
			target, err := os.Readlink(host + "/" + folder)
			if err == nil {
				err = os.Symlink(target, "/"+folder)
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll("/"+folder, 0o755); err != nil {
			return err
		}
		if err := readOnly(folder, options.Layers); err != nil {
			return err
		}
	}
	// a tmpfs, not the host's: this is where the lab installs what is under test
	return localFolder(options)
}

func readOnly(folder string, layers []string) error {
	lower := lowers(folder, layers)
	if len(lower) > 1 {
		return mount("overlay", "/"+folder, "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(lower, ":"))
	}
	return bindReadOnly(host+"/"+folder, "/"+folder)
}

// lowers lists the layers' versions of a folder and the host's, escaped for overlayfs.
func lowers(folder string, layers []string) []string {
	var found []string
	for _, tree := range append(append([]string{}, layers...), "") {
		path := host + tree + "/" + folder
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			found = append(found, escapeOverlay.Replace(path))
		}
	}
	return found
}

var escapeOverlay = strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`)

func localFolder(options Options) error {
	local, err := filepath.EvalSymlinks("/usr/local")
	if err != nil {
		return fmt.Errorf("a host without /usr/local cannot carry a node: %w", err)
	}
	if err := mount("tmpfs", local, "tmpfs", 0, options.tmpfs()); err != nil {
		return err
	}
	for _, folder := range []string{"bin", "sbin", "lib"} {
		if err := os.Mkdir("/usr/local/"+folder, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// lab brings the lab's own: the cache, and this program, which may lie on a file system that is no longer in sight.
func lab(artifacts string) error {
	if artifacts != "" {
		if err := bindReadOnly(host+artifacts, "/lab/artifacts"); err != nil {
			return err
		}
	}
	if err := os.WriteFile("/lab/bin/agent", nil, 0o755); err != nil {
		return err
	}
	return bindReadOnly("/proc/self/exe", "/lab/bin/agent")
}
