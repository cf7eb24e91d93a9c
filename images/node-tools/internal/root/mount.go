package root

import (
	"fmt"

	"cnilab/node-tools/internal/confine"

	"golang.org/x/sys/unix"
)

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("could not mount %s on %s: %w", describe(source, kind), target, err)
	}
	return nil
}

func describe(source, kind string) string {
	switch {
	case kind != "":
		return kind
	case source != "":
		return source
	default:
		return "anew"
	}
}

// bindReadOnly shows one folder or file at another place, and it stays read-only; the kernel ignores MS_RDONLY in the first of the two calls.
func bindReadOnly(source, target string) error {
	if err := mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if err := mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|confine.Cover|flagsOf(target), ""); err != nil {
		return err
	}
	return hold(target)
}

// hold keeps a mount busy for as long as the node's first process lives: `umount -a`, for one, would lay bare what is below it.
func hold(target string) error {
	if _, err := unix.Open(target, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("could not hold %s: %w", target, err)
	}
	return nil
}

// flagsOf keeps what the host's mount has, nosuid for instance: in a user namespace a remount must not drop it.
func flagsOf(target string) uintptr {
	var stat unix.Statfs_t
	if unix.Statfs(target, &stat) != nil {
		return 0
	}
	var flags uintptr
	for statfs, mountFlag := range map[int64]uintptr{
		unix.ST_NOSUID: unix.MS_NOSUID, unix.ST_NODEV: unix.MS_NODEV, unix.ST_NOEXEC: unix.MS_NOEXEC,
		unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if int64(stat.Flags)&statfs != 0 {
			flags |= mountFlag
		}
	}
	return flags
}
