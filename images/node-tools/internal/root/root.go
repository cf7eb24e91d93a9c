// Package root makes what a bare node sees as its machine: the host's programs, read-only, and nothing else of the
// host.
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

// Options are what one node's root consists of. All paths are the host's.
type Options struct {
	// Artifacts is the lab's cache, mounted read-only at /lab/artifacts. If it is empty, so is that folder.
	Artifacts string
	// Layers are trees that are laid over the host's /usr, /etc and so on: iptables and nft, if the host lacks them.
	// The first wins.
	Layers []string
	// TmpfsBytes is the size of each of the node's file systems; 0 is the kernel's default, half of all memory.
	TmpfsBytes int64
	// Staging is an empty folder where the new root is mounted before it becomes the root. Nothing is left there.
	Staging string
}

// tmpfs returns the mount options of a file system that everybody may read.
func (o Options) tmpfs() string {
	if o.TmpfsBytes == 0 {
		return "mode=0755"
	}
	return fmt.Sprintf("mode=0755,size=%d", o.TmpfsBytes)
}

// host is where the host's root is while the node's root is made. Afterwards it is gone.
const host = "/.host"

// Build replaces the root of this mount namespace. The first process in new namespaces calls it once.
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
	// containerd mounts network namespaces below /run and expects containers to see them; nothing of it leaves the
	// node
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

// enter makes a tmpfs the root, with the host's root at /.host. Before that it makes sure that nothing propagates to
// the host.
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

// folders makes the empty private folders of the node.
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

// programs provides the host's programs and libraries, read-only, with the layers over them.
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
	// a tmpfs, not the host's: the lab installs the software under test here
	return localFolder(options)
}

func readOnly(folder string, layers []string) error {
	lower := lowers(folder, layers)
	if len(lower) > 1 {
		return mount("overlay", "/"+folder, "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(lower, ":"))
	}
	return bindReadOnly(host+"/"+folder, "/"+folder)
}

// lowers returns the folder's versions in the layers and on the host, escaped for overlayfs.
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

// lab provides the lab's own files: the cache, and this program, whose file system may no longer be visible.
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
