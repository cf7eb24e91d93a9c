// Command calls makes system calls that affect the whole machine and for which a node has no tool: what acct, kexec,
// quotaon, bpftool, perf and reboot do. The command line has their names. It prints the result of each.
package main

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// quotaOff is Q_QUOTAOFF for users, from linux/quota.h.
const quotaOff = 0x800003 << 8

var calls = map[string]func() error{
	"settimeofday": func() error { return unix.Settimeofday(&unix.Timeval{Sec: 1_000_000_000}) },
	"adjtimex": func() error {
		_, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_FREQUENCY, Freq: 100 << 16})
		return err
	},
	"reboot":      func() error { return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) },
	"kexec_load":  func() error { return call(unix.SYS_KEXEC_LOAD, 0, 0, 0, 0) },
	"init_module": func() error { return unix.InitModule([]byte("no module"), "") },
	"bpf": func() error {
		array := [8]uint32{2, 4, 4, 1} // BPF_MAP_TYPE_ARRAY, with keys and values of 4 bytes
		return call(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&array)), unsafe.Sizeof(array), 0)
	},
	"perf_event_open": func() error {
		_, err := unix.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{}))}, -1, 0, -1, 0)
		return err
	},
	"acct":     func() error { return unix.Acct("/tmp/acct") },
	"quotactl": func() error { return call(unix.SYS_QUOTACTL, quotaOff, 0, 0, 0) },
	"syslog": func() error {
		_, err := unix.Klogctl(unix.SYSLOG_ACTION_CLEAR, nil)
		return err
	},
}

func call(number, first, second, third, fourth uintptr) error {
	if _, _, errno := unix.Syscall6(number, first, second, third, fourth, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func main() {
	for _, name := range os.Args[1:] {
		if name == "acct" {
			_ = os.WriteFile("/tmp/acct", nil, 0o600)
		}
		fmt.Println(name, calls[name]())
	}
}
