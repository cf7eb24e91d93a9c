// Package guest makes the first process of a virtual machine into the first process of a node. It sets up, on a bare
// kernel, what a host provides to a node of namespaces. There is no network and no firmware. The lab is at the other
// end of a virtio-serial port.
package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The devices of the ports. lab/nodes/backends/vm/qemu-args.ts numbers them.
const (
	agentPort = "/dev/vport0p1"
	// sessionPorts are for interactive commands, one at a time each.
	sessionPort1, sessionPort2 = "/dev/vport0p2", "/dev/vport0p3"
)

// Devices are what the node needs from the machine. Its own /dev does not have them.
type Devices struct {
	Agent     *os.File
	Sessions  []*os.File
	Artifacts *os.File
}

const whatIsNeeded = "its kernel needs the drivers virtio_pci, virtio_blk and virtio_console"

const devicesWithin = 20 * time.Second

// Boot sets up the machine from the kernel's initramfs: modules, devices, and the root disk as the root.
func Boot() (Devices, error) {
	for _, one := range []struct{ target, kind string }{{"/proc", "proc"}, {"/sys", "sysfs"}, {"/dev", "devtmpfs"}} {
		if err := mount(one.kind, one.target, one.kind, 0); err != nil {
			return Devices{}, err
		}
	}
	if err := loadModules("/modules"); err != nil {
		return Devices{}, err
	}
	devices, err := openDevices()
	if err != nil {
		return Devices{}, err
	}
	rootDisk, err := disk("root")
	if err != nil {
		return Devices{}, err
	}
	if err := mount(rootDisk, "/root", "erofs", unix.MS_RDONLY); err != nil {
		return Devices{}, err
	}
	if err := mount("cgroup2", "/sys/fs/cgroup", "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC); err != nil {
		return Devices{}, err
	}
	return devices, leaveInitramfs("/root")
}

// leaveInitramfs makes a mounted file system the root. pivot_root does not work, because the initramfs is not a mount
// that can be moved.
func leaveInitramfs(root string) error {
	for _, folder := range []string{"/proc", "/sys", "/dev"} {
		if err := unix.Mount(folder, root+folder, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("could not move %s onto the root disk: %w", folder, err)
		}
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("could not make the root disk the root: %w", err)
	}
	return errors.Join(unix.Chroot("."), os.Chdir("/"))
}

func openDevices() (devices Devices, err error) {
	artifacts, err := disk("artifacts")
	if err != nil {
		return devices, err
	}
	if devices.Artifacts, err = open(artifacts, unix.O_RDONLY); err != nil {
		return devices, err
	}
	if devices.Agent, err = open(agentPort, unix.O_RDWR); err != nil {
		return devices, err
	}
	for _, path := range []string{sessionPort1, sessionPort2} {
		session, err := open(path, unix.O_RDWR|unix.O_NONBLOCK)
		if err != nil {
			return devices, err
		}
		devices.Sessions = append(devices.Sessions, session)
	}
	return devices, nil
}

// disk waits for the disk with a serial number. QEMU decides which disk is vda.
func disk(serial string) (string, error) {
	for deadline := time.Now().Add(devicesWithin); ; time.Sleep(2 * time.Millisecond) {
		serials, _ := filepath.Glob("/sys/class/block/*/serial")
		for _, path := range serials {
			if text, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(text)) == serial {
				device := "/dev/" + filepath.Base(filepath.Dir(path))
				return device, appears(device)
			}
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("the machine has no disk %s; %s", serial, whatIsNeeded)
		}
	}
}

func open(path string, flags int) (*os.File, error) {
	if err := appears(path); err != nil {
		return nil, err
	}
	descriptor, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("could not open %s: %w", path, err)
	}
	return os.NewFile(uintptr(descriptor), path), nil
}

// appears waits for a device: the kernel creates some asynchronously.
func appears(path string) error {
	for deadline := time.Now().Add(devicesWithin); ; time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the machine has no %s; %s", path, whatIsNeeded)
		}
	}
}

func mount(source, target, kind string, flags uintptr) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(source, target, kind, flags, ""); err != nil {
		return fmt.Errorf("could not mount %s on %s (%s): %w", source, target, kind, err)
	}
	return nil
}

// Off ends the machine. QEMU is configured to exit on a restart.
func Off() {
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}
