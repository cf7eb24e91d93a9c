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

// bindReadOnly mounts a folder or file at another place, read-only. It takes two calls, because the kernel ignores
// MS_RDONLY in the first.
func bindReadOnly(source, target string) error {
	if err := mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if err := mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|confine.Cover|flagsOf(target), ""); err != nil {
		return err
	}
	return hold(target)
}

// hold keeps a mount busy until the node's first process ends. Otherwise `umount -a`, for example, would expose what
// is below it.
func hold(target string) error {
	if _, err := unix.Open(target, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("could not hold %s: %w", target, err)
	}
	return nil
}

// flagsOf returns the flags of the host's mount, such as nosuid: in a user namespace a remount must keep them.
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
