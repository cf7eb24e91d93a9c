// Package confine removes a node's access to the rest of the machine. Root with CAP_SYS_ADMIN in namespaces is not a
// security boundary against attackers. This protects against accidents of plugins, scenarios and people: a `date -s`
// or `mount -o remount,rw /proc/sys` fails.
package confine

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kept is what containerd, runc and plugins need: the default capabilities of CRI containers, what making containers
// and networks needs, and CAP_SYS_NICE. Without that one, v1's cpuset does not accept a process of another user
// namespace. Without the others, nobody on a node can set the machine's clock, load modules, reboot, clear the
// kernel's log, or protect a process from the OOM killer.
var kept = []uintptr{
	unix.CAP_AUDIT_WRITE, unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER, unix.CAP_FSETID,
	unix.CAP_IPC_LOCK, unix.CAP_KILL, unix.CAP_MKNOD, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_BROADCAST,
	unix.CAP_NET_RAW, unix.CAP_SETFCAP, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_SETUID, unix.CAP_SYS_ADMIN,
	unix.CAP_SYS_CHROOT, unix.CAP_SYS_NICE, unix.CAP_SYS_PTRACE,
}

// noCore keeps a crash from running the machine's core_pattern program. A limit of 0 would not; see core(5).
const noCore = 1

// Unfiltered is the flag that starts a node's first process without the system call filter.
const Unfiltered = "unfiltered"

// As confines this process in the same way as the first process of a node.
func As(first int) error {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", first))
	if err != nil {
		return err
	}
	return Self(!slices.Contains(strings.Split(string(command), "\x00"), "--"+Unfiltered))
}

// Self confines all threads of this process and everything that it starts, permanently.
func Self(filtered bool) error {
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return err
	}
	core.Cur = min(noCore, core.Max)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return fmt.Errorf("could not limit core files: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("could not drop capabilities: %w", err)
	}
	if !filtered {
		return nil
	}
	if err := filterCalls(); err != nil {
		return fmt.Errorf("could not filter system calls: %w", err)
	}
	return nil
}

// dropCapabilities empties the bounding set first. Otherwise a program could regain a capability from its file.
func dropCapabilities() error {
	var keep uint64
	for _, capability := range kept {
		keep |= 1 << capability
	}
	for capability := uintptr(0); ; capability++ {
		has, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_CAPBSET_READ, capability, 0)
		if errno != 0 {
			break // the kernel has no more
		}
		if has == 0 || keep&(1<<capability) != 0 {
			continue
		}
		if err := onAllThreads(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capability, 0); err != nil {
			return err
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	for half := range data {
		allowed := uint32(keep >> (32 * half))
		data[half].Effective &= allowed
		data[half].Permitted &= allowed
		data[half].Inheritable &= allowed
	}
	return errors.Join(
		onAllThreads(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0),
		onAllThreads(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0),
	)
}

func onAllThreads(call, first, second, third uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(call, first, second, third, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
