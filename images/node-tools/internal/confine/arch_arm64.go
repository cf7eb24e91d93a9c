package confine

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// makingDevices are the calls that make device nodes, and which of their arguments is the mode.
var makingDevices = map[uint32]uint32{unix.SYS_MKNODAT: 2}
