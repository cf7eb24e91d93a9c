package confine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refused are calls that affect the whole machine and that CAP_SYS_ADMIN allows. A node needs that capability.
var refused = []uint32{
	unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_QUOTACTL, sysQuotactlFd, unix.SYS_ACCT, unix.SYS_SYSLOG, unix.SYS_PERF_EVENT_OPEN,
}

// unknown makes mount(8) fall back to mount(2), whose flags a filter can see. runc and containerd also work without
// these calls.
var unknown = []uint32{unix.SYS_FSOPEN, unix.SYS_FSPICK}

// sysQuotactlFd is the same on all architectures.
const sysQuotactlFd = 443

// FIFREEZE and FITHAW of linux/fs.h are the same on all architectures of nodes.
const fiFreeze, fiThaw = 0xc0045877, 0xc0045878

// Offsets in the kernel's struct seccomp_data. The lower half of a 64-bit number comes first.
const (
	offsetOfCall = 0
	offsetOfArch = 4
)

func offsetOfArgument(index uint32) uint32 { return 16 + 8*index }

// harmlessDevices are those that a node or a container makes: the usual ones, tun, fuse, and an overlay's mark for a
// removed file. None of them is a block device.
var harmlessDevices = []uint32{
	device(0, 0), device(1, 3), device(1, 5), device(1, 7), device(1, 8), device(1, 9), device(5, 0), device(5, 1), device(5, 2),
	device(10, 200), device(10, 229),
}

// device encodes a device number as in the system call, for small minors.
func device(major, minor uint32) uint32 { return major<<8 | minor }

// program is the filter. Each part ends in an answer or falls through to the next.
func program() []unix.SockFilter {
	filter := []unix.SockFilter{
		load(offsetOfArch), jumpIf(unix.BPF_JEQ, auditArch, 1, 0), answer(unix.SECCOMP_RET_ALLOW), load(offsetOfCall),
	}
	for _, call := range refused {
		filter = append(filter, jumpIf(unix.BPF_JEQ, call, 0, 1), refuse(unix.EPERM))
	}
	for _, call := range unknown {
		filter = append(filter, jumpIf(unix.BPF_JEQ, call, 0, 1), refuse(unix.ENOSYS))
	}
	filter = append(filter, only(unix.SYS_MOUNT, mounts())...)
	filter = append(filter, only(unix.SYS_IOCTL, freezing())...)
	for call, mode := range makingDevices {
		filter = append(filter, only(call, making(mode))...)
	}
	return append(filter, answer(unix.SECCOMP_RET_ALLOW))
}

// only runs a part for one call. The part must end in an answer.
func only(call uint32, part []unix.SockFilter) []unix.SockFilter {
	return append([]unix.SockFilter{jumpIf(unix.BPF_JEQ, call, 0, uint8(len(part)))}, part...)
}

// Cover marks a mount whose file system belongs to the machine. mount(8) keeps the flags of a mount on
// `remount,bind,rw`, and nobody else uses this flag. In the kernel it only affects access times.
const Cover = unix.MS_NODIRATIME

// mounts refuses to change mounts that belong to the machine: a cover, and the file system below any mount, unless it
// is the node's. Any other bind mount may be remounted: runc does so for each one that must be writable.
func mounts() []unix.SockFilter {
	part := []unix.SockFilter{load(offsetOfArgument(3)), and(^uint32(unix.MS_SILENT))}
	for _, all := range []uint32{
		// with a source as well as a target, mount(8) omits the mount's own flags, so nothing shows whose mount it is
		unix.MS_REMOUNT | unix.MS_BIND, unix.MS_REMOUNT | unix.MS_RDONLY,
		// cgroups, whose mounts cannot be marked: a user namespace could not mount its own with other flags
		unix.MS_REMOUNT | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RELATIME,
	} {
		part = append(part, jumpIf(unix.BPF_JEQ, all, 0, 1), refuse(unix.EPERM))
	}
	part = append(part,
		jumpIf(unix.BPF_JSET, unix.MS_REMOUNT, 1, 0), answer(unix.SECCOMP_RET_ALLOW),
		and(unix.MS_BIND|unix.MS_RDONLY|Cover),
	)
	// `remount,rw` of a file system, the same two of a cover, and `remount,bind,rw` of a cover
	for _, how := range []uint32{0, Cover, unix.MS_RDONLY | Cover, unix.MS_BIND | Cover} {
		part = append(part, jumpIf(unix.BPF_JEQ, how, 0, 1), refuse(unix.EPERM))
	}
	return append(part, answer(unix.SECCOMP_RET_ALLOW))
}

// freezing refuses `fsfreeze`: a node's programs and artifacts are on file systems of the machine.
func freezing() []unix.SockFilter {
	return []unix.SockFilter{
		load(offsetOfArgument(1)),
		jumpIf(unix.BPF_JEQ, fiFreeze, 1, 0), jumpIf(unix.BPF_JEQ, fiThaw, 0, 1), refuse(unix.EPERM),
		answer(unix.SECCOMP_RET_ALLOW),
	}
}

// making refuses devices that belong to the machine: its disks, its memory, its log. The device argument follows the
// mode.
func making(mode uint32) []unix.SockFilter {
	part := []unix.SockFilter{
		load(offsetOfArgument(mode)), and(unix.S_IFMT),
		jumpIf(unix.BPF_JEQ, unix.S_IFBLK, 0, 1), refuse(unix.EPERM),
		jumpIf(unix.BPF_JEQ, unix.S_IFCHR, 1, 0), answer(unix.SECCOMP_RET_ALLOW),
		load(offsetOfArgument(mode + 1)),
	}
	for _, harmless := range harmlessDevices {
		part = append(part, jumpIf(unix.BPF_JEQ, harmless, 0, 1), answer(unix.SECCOMP_RET_ALLOW))
	}
	return append(part, refuse(unix.EPERM))
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func and(mask uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask}
}

// jumpIf skips so many of the next instructions.
func jumpIf(test uint16, value uint32, ifSo, ifNot uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: value, Jt: ifSo, Jf: ifNot}
}

func answer(what uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
}

func refuse(errno unix.Errno) unix.SockFilter { return answer(unix.SECCOMP_RET_ERRNO | uint32(errno)) }

// filterCalls applies the filter to all threads. It does not need "no new privileges", because this process has
// CAP_SYS_ADMIN.
func filterCalls() error {
	filter := program()
	fprog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return errno
	}
	if thread != 0 {
		return fmt.Errorf("thread %d has another filter", thread)
	}
	return nil
}
