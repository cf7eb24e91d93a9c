package root

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cnilab/node-tools/internal/cgroup"
	"cnilab/node-tools/internal/confine"

	"golang.org/x/sys/unix"
)

// A proc with nothing mounted over it, and a sysfs with the flags that runc uses, accessible only to root. A user
// namespace, such as a pod's, can mount its own only if such a one is fully visible. See mount_namespaces(7).
const wholeProc, wholeSys = "/lab/.whole/proc", "/lab/.whole/sys"

const kernelFlags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// kubeletSysctls are what kubelet sets on its machine. It writes a value only if another one is there, and ends if it cannot.
// So a node shows these values, whatever its machine has.
var kubeletSysctls = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// The files that are mounted over these sysctls.
const sysctlCovers = "/lab/.sysctls"

// proc is the node's own. Files that belong to the whole machine are read-only, because kubelet and some plugins write
// sysctls that are not in a namespace. /proc/sys/net belongs to the node and can be written.
func proc() error {
	if err := mount("proc", "/proc", "proc", kernelFlags, ""); err != nil {
		return err
	}
	if err := os.MkdirAll(wholeProc, 0o700); err != nil {
		return err
	}
	if err := mount("proc", wholeProc, "proc", kernelFlags, ""); err != nil {
		return err
	}
	for _, path := range []string{
		"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/mtrr",
		"/proc/dynamic_debug", "/proc/scsi", "/proc/driver", "/proc/asound",
	} {
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if err := bindReadOnly(path, path); err != nil {
			return err
		}
	}
	return errors.Join(
		mount("/proc/sys/net", "/proc/sys/net", "", unix.MS_BIND, ""),
		mount("", "/proc/sys/net", "", unix.MS_BIND|unix.MS_REMOUNT|kernelFlags|unix.MS_RELATIME, ""),
		coverSysctls(),
	)
}

func coverSysctls() error {
	for name, value := range kubeletSysctls {
		path, cover := "/proc/sys/"+name, sysctlCovers+"/"+name
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(cover), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(cover, []byte(value+"\n"), 0o444); err != nil {
			return err
		}
		if err := bindReadOnly(cover, path); err != nil {
			return err
		}
	}
	return nil
}

// sys shows the node's own network devices and its cgroups. The rest belongs to the machine, so it is read-only. It is
// made read-only after it is mounted. Otherwise containers in the same network namespace could not mount theirs writable.
func sys(layout cgroup.Layout) error {
	if err := sysfs(); err != nil {
		return err
	}
	return layout.Mount()
}

func sysfs() error {
	if err := mount("sysfs", "/sys", "sysfs", kernelFlags, ""); err != nil {
		return err
	}
	if err := mount("", "/sys", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|confine.Cover|kernelFlags|unix.MS_RELATIME, ""); err != nil {
		return err
	}
	if err := hold("/sys"); err != nil {
		return err
	}
	if err := os.MkdirAll(wholeSys, 0o700); err != nil {
		return err
	}
	return mount("sysfs", wholeSys, "sysfs", unix.MS_RDONLY|kernelFlags, "")
}

var devices = []struct {
	name         string
	major, minor uint32
}{{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}}

// dev is small and the node's own: it has no disk and no log of the host.
func dev(options Options) error {
	if err := mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, options.tmpfs()); err != nil {
		return err
	}
	for _, device := range devices {
		if err := makeDevice("/dev/"+device.name, device.major, device.minor); err != nil {
			return err
		}
	}
	for _, folder := range []string{"pts", "shm", "mqueue", "net"} {
		if err := os.Mkdir("/dev/"+folder, 0o755); err != nil {
			return err
		}
	}
	// plugins make tap devices with it, in any network namespace; the kernel may not support it
	if err := makeDevice("/dev/net/tun", 10, 200); err != nil {
		os.Remove("/dev/net/tun")
	}
	return errors.Join(
		mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"),
		mount("shm", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options.tmpfs()+",mode=1777"),
		mount("mqueue", "/dev/mqueue", "mqueue", kernelFlags, ""),
		os.Symlink("pts/ptmx", "/dev/ptmx"),
		os.Symlink("/proc/self/fd", "/dev/fd"),
		os.Symlink("/proc/self/fd/0", "/dev/stdin"),
		os.Symlink("/proc/self/fd/1", "/dev/stdout"),
		os.Symlink("/proc/self/fd/2", "/dev/stderr"),
	)
}

// makeDevice makes a device node, or bind-mounts the host's if making one is not allowed.
func makeDevice(path string, major, minor uint32) error {
	err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(major, minor)))
	if err == nil {
		return os.Chmod(path, 0o666) // mknod applies the umask
	}
	if made := os.WriteFile(path, nil, 0o666); made != nil {
		return made
	}
	if bound := mount(host+path, path, "", unix.MS_BIND, ""); bound != nil {
		return fmt.Errorf("could not make %s: %w", path, errors.Join(err, bound))
	}
	return nil
}
