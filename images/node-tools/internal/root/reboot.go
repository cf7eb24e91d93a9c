package root

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cnilab/node-tools/internal/cgroup"
	"cnilab/node-tools/internal/confine"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Rebooting is what a node needs for a reboot.
type Rebooting struct {
	// Mounts returns the mount points that are to be removed, the newest last.
	Mounts func() ([]string, error)
	// Connect connects the node to its group again; nil for a single node.
	Connect func() error
	// First is the first process, which is stopped; nil if this process is the first.
	First *First
	// Devices are those of a container engine, which stay.
	Devices []EngineDevice
	// Link is a process that connects the lab with this one and stays; 0 if there is none.
	Link int
}

// killedWithin is how long the kernel may take to end all processes.
const killedWithin = 10 * time.Second

// BootID is the path of a node's own boot id after a reboot. Before that, it shows the machine's.
const BootID = "/proc/sys/kernel/random/boot_id"

// Reboot removes from a node what a power loss removes: all processes except the agent's and the first, all mounts, network
// devices, rules and addresses, and the content of memory. The disk stays: /etc, /opt, /var, /usr/local and /lab. The
// kernel continues, and so do the PID namespace and the mount namespace.
func Reboot(r Rebooting) error {
	kill, boot := killAll, func() error { return nil }
	if r.First != nil {
		kill, boot = func() error { return killOthers(r.Link) }, r.First.boot
	}
	steps := []func() error{
		kill,
		func() error { return unmount(r.Mounts) },
		func() error { return newNetwork(r.Devices) },
		Network,
		func() error {
			for _, device := range r.Devices {
				if err := device.restore(); err != nil {
					return err
				}
			}
			return nil
		},
		func() error {
			if r.Connect == nil {
				return nil
			}
			return r.Connect()
		},
		sysAgain,
		func() error { return emptyFolders("/run", "/tmp", "/dev/shm") },
		func() error { return os.MkdirAll("/run/lock", 0o755) },
		cgroup.RemoveEmpty,
		nameAgain,
		newBootID,
		boot,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("the node could not be rebooted: %w", err)
		}
	}
	return nil
}

// killAll sends SIGKILL to all processes of the PID namespace in one call, and repeats it until there are none.
func killAll() error {
	return untilNone(0, func([]int) error { return unix.Kill(-1, unix.SIGKILL) })
}

// killOthers spares the first process, the parent of this one and `link`, which `kill -1` does not. It stops all others
// before it kills any, so that none sees the end of another.
func killOthers(link int) error {
	var stopped int
	return untilNone(link, func(processes []int) error {
		signal := unix.SIGKILL
		if len(processes) > stopped {
			signal, stopped = unix.SIGSTOP, len(processes)
		}
		for _, pid := range processes {
			if err := unix.Kill(pid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
		return nil
	})
}

// untilNone kills until there are no other processes.
func untilNone(link int, kill func(processes []int) error) error {
	for deadline := time.Now().Add(killedWithin); ; time.Sleep(2 * time.Millisecond) {
		left, err := others(link)
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v did not end within %s", left, killedWithin)
		}
		if err := kill(left); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
}

// kernelThread is PF_KTHREAD of the kernel's include/linux/sched.h.
const kernelThread = 0x00200000

// others returns the other processes, without kernel threads, the first process, the parent of this one and `link`.
func others(link int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == 1 || pid == os.Getpid() || pid == os.Getppid() || pid == link {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // it has just ended
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 6 {
			if flags, err := strconv.ParseUint(fields[6], 10, 64); err == nil && flags&kernelThread != 0 {
				continue
			}
		}
		found = append(found, pid)
	}
	return found, nil
}

// unmount removes the newest mounts first. Removing one may remove another.
func unmount(mounts func() ([]string, error)) error {
	for try := 0; ; try++ {
		points, err := mounts()
		if err != nil || len(points) == 0 {
			return err
		}
		if try == 10 {
			return fmt.Errorf("these are mounted still: %s", strings.Join(points, ", "))
		}
		for i := len(points) - 1; i >= 0; i-- {
			if err := unix.Unmount(points[i], unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("could not unmount %s: %w", points[i], err)
			}
		}
	}
}

// newNetwork moves all threads of this process to a new network namespace and a new IPC namespace. The devices of the machine
// and those of a container engine move too and lose all their settings. The other devices of the former network are deleted at
// once, because something may keep that namespace open for a while.
func newNetwork(engines []EngineDevice) error {
	links, err := wholeList(netlink.LinkList)
	if err != nil {
		return err
	}
	var kept []netlink.Link
	for _, link := range links {
		isMachines := link.Type() == "device" && link.Attrs().Flags&net.FlagLoopback == 0
		isEngines := slices.ContainsFunc(engines, func(one EngineDevice) bool { return one.index == link.Attrs().Index })
		if isMachines || isEngines {
			kept = append(kept, link)
			continue
		}
		_ = netlink.LinkDel(link) // kernel devices stay, and some are already deleted with another
	}
	type namespaces struct {
		network, ipc int
		err          error
	}
	made := make(chan namespaces, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: this thread ends with its goroutine
		network, ipc, err := unshareHere()
		made <- namespaces{network, ipc, err}
	}()
	fresh := <-made
	if fresh.err != nil {
		return fresh.err
	}
	defer unix.Close(fresh.network)
	defer unix.Close(fresh.ipc)
	for _, link := range kept {
		if err := netlink.LinkSetNsFd(link, fresh.network); err != nil {
			return fmt.Errorf("could not take the device %s along: %w", link.Attrs().Name, err)
		}
	}
	for namespace, kind := range map[int]uintptr{fresh.network: unix.CLONE_NEWNET, fresh.ipc: unix.CLONE_NEWIPC} {
		if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_SETNS, uintptr(namespace), kind, 0); errno != 0 {
			return fmt.Errorf("could not enter a new namespace: %w", errno)
		}
	}
	return errors.Join(
		unix.Unmount("/dev/mqueue", unix.MNT_DETACH),
		mount("mqueue", "/dev/mqueue", "mqueue", kernelFlags, ""),
	)
}

// wholeList asks again while the kernel changes what it lists. Pods that have just been killed lose their devices at that time,
// and an interrupted list may lack devices that exist.
func wholeList(list func() ([]netlink.Link, error)) ([]netlink.Link, error) {
	for deadline := time.Now().Add(killedWithin); ; time.Sleep(2 * time.Millisecond) {
		links, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) || time.Now().After(deadline) {
			return links, err
		}
	}
}

func unshareHere() (network, ipc int, err error) {
	if err = unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWIPC); err != nil {
		return 0, 0, fmt.Errorf("could not make new namespaces: %w", err)
	}
	if network, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return 0, 0, err
	}
	if ipc, err = unix.Open("/proc/thread-self/ns/ipc", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		unix.Close(network)
	}
	return network, ipc, err
}

// sysAgain mounts a sysfs for the new network namespace, with the same cgroups.
func sysAgain() error {
	const groups, now = "/lab/.cgroups", "/sys/fs/cgroup"
	if err := os.MkdirAll(groups, 0o700); err != nil {
		return err
	}
	if err := mount(now, groups, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	// otherwise unmounting there would also unmount here
	if err := mount("", groups, "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, path := range []string{"/sys", wholeSys} {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("could not unmount %s: %w", path, err)
		}
	}
	if err := sysfs(); err != nil {
		return err
	}
	return errors.Join(
		mount(groups, now, "", unix.MS_BIND|unix.MS_REC, ""),
		unix.Unmount(groups, unix.MNT_DETACH),
		os.Remove(groups),
	)
}

func emptyFolders(folders ...string) error {
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := os.RemoveAll(filepath.Join(folder, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// nameAgain sets the host name from the disk.
func nameAgain() error {
	name, err := os.ReadFile("/etc/hostname")
	if err != nil {
		return nil // as on any machine without this file
	}
	return unix.Sethostname([]byte(strings.TrimSpace(string(name))))
}

func newBootID() error {
	const file = "/lab/.boot_id"
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // a random UUID, like the kernel's
	text := fmt.Sprintf("%x-%x-%x-%x-%x\n", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	if err := os.WriteFile(file, []byte(text), 0o444); err != nil {
		return err
	}
	ours, err := os.Stat(file)
	if err != nil {
		return err
	}
	if shown, err := os.Stat(BootID); err != nil || os.SameFile(ours, shown) {
		return err
	}
	return errors.Join(
		mount(file, BootID, "", unix.MS_BIND, ""),
		mount("", BootID, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|confine.Cover, ""),
	)
}
