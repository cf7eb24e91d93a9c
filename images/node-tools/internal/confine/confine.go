// Package confine takes from a node what reaches past it. Root with CAP_SYS_ADMIN in namespaces is no boundary for those who
// mean harm; this is for plugins, scenarios and people who do not: a `date -s` or `mount -o remount,rw /proc/sys` fails.
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

// kept is what containerd, runc and plugins need: what CRI gives to containers by default, what making containers and networks
// takes, and CAP_SYS_NICE, without which v1's cpuset takes no process of another user namespace. Without the rest nobody on a
// node sets the machine's clock, loads modules, reboots, clears the kernel's log, or spares a process when memory runs out.
var kept = []uintptr{
	unix.CAP_AUDIT_WRITE, unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER, unix.CAP_FSETID,
	unix.CAP_IPC_LOCK, unix.CAP_KILL, unix.CAP_MKNOD, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_BROADCAST,
	unix.CAP_NET_RAW, unix.CAP_SETFCAP, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_SETUID, unix.CAP_SYS_ADMIN,
	unix.CAP_SYS_CHROOT, unix.CAP_SYS_NICE, unix.CAP_SYS_PTRACE,
}

// noCore keeps a crash from running what the machine has in core_pattern, which 0 would not: core(5).
const noCore = 1

// Unfiltered is the flag with which a node's first process is started without the filter of system calls.
const Unfiltered = "unfiltered"

// As confines this process as the first process of a node is.
func As(first int) error {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", first))
	if err != nil {
		return err
	}
	return Self(!slices.Contains(strings.Split(string(command), "\x00"), "--"+Unfiltered))
}

// Self confines all threads of this process and whatever it starts, for good.
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

// dropCapabilities empties the bounding set first: without it no program gets one back, whatever its file says.
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
