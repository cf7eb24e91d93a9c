package confine

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// makingDevices maps the system calls that make device nodes to the index of their mode argument.
var makingDevices = map[uint32]uint32{unix.SYS_MKNODAT: 2}
