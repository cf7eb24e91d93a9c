package root

import (
	"errors"
	"os"
	"path/filepath"
)

// notStarted are units that would change what belongs to the machine, or what the lab has set, or that a node does not
// need. Names of units that an image does not have do no harm.
var notStarted = []string{
	// sysctls, modules, binary formats and file systems of the machine
	"systemd-sysctl.service", "systemd-modules-load.service", "systemd-binfmt.service",
	"proc-sys-fs-binfmt_misc.automount", "proc-sys-fs-binfmt_misc.mount", "dev-hugepages.mount", "kmod-static-nodes.service",
	"sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
	"systemd-remount-fs.service", "systemd-random-seed.service", "systemd-pstore.service", "systemd-repart.service",
	"systemd-udevd.service", "systemd-udev-trigger.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
	// files, networks and names, which the lab makes
	"systemd-tmpfiles-setup.service", "systemd-tmpfiles-setup-dev.service", "systemd-tmpfiles-clean.timer", "tmp.mount",
	"run-lock.mount", "systemd-networkd.service", "systemd-networkd.socket", "systemd-resolved.service",
	"systemd-timesyncd.service", "systemd-hostnamed.service", "systemd-machine-id-commit.service", "systemd-firstboot.service",
	"systemd-sysusers.service", "systemd-hwdb-update.service", "systemd-journal-flush.service",
	// people who log in
	"systemd-logind.service", "getty.target", "systemd-user-sessions.service", "systemd-ask-password-wall.path",
	"systemd-ask-password-console.path", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
	"fstrim.timer", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
}

const units = "/etc/systemd/system"

// Systemd prepares the node's own /etc for systemd as its first process.
func Systemd() error {
	if _, err := os.Stat("/sbin/init"); err != nil {
		return errors.Join(errors.New("the image of the node has no systemd"), err)
	}
	for _, unit := range notStarted {
		if err := linkTo("/dev/null", filepath.Join(units, unit)); err != nil {
			return err
		}
	}
	// what the image enables, such as its own runtime, does not start: the lab first puts the versions in place
	enabled, err := filepath.Glob(units + "/*.wants/*")
	if err != nil {
		return err
	}
	for _, link := range enabled {
		if err := os.Remove(link); err != nil {
			return err
		}
	}
	// a crash must not run the machine's core_pattern program: see internal/confine
	const limits = "[Manager]\nDefaultLimitCORE=1\nDefaultTasksMax=infinity\nDefaultTasksAccounting=no\nDefaultMemoryAccounting=no\n"
	if err := os.MkdirAll("/etc/systemd/system.conf.d", 0o755); err != nil {
		return err
	}
	return os.WriteFile("/etc/systemd/system.conf.d/cnilab.conf", []byte(limits), 0o644)
}

func linkTo(target, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.Symlink(target, path)
}
