package look

import (
	"os"
	"strings"

	"cnilab/node-tools/internal/cgroup"
)

type mountPoint struct{ root, point, kind string }

func readMounts() ([]mountPoint, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(text)), nil
}

func parseMounts(mountinfo string) []mountPoint {
	var found []mountPoint
	for _, line := range strings.Split(mountinfo, "\n") {
		before, after, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if len(fields) >= 5 && len(kind) >= 1 {
			found = append(found, mountPoint{cgroup.Unescape(fields[3]), cgroup.Unescape(fields[4]), kind[0]})
		}
	}
	return found
}

// MountsOfBoot returns the mount points that a reboot removes, in the order in which they were made: those that the node did
// not start with, and those below /run, such as /run/lock, which systemd makes again.
func (l *Looker) MountsOfBoot() ([]string, error) {
	mounts, err := readMounts()
	var points []string
	for _, mount := range mounts {
		if !l.mounts[mount.point] || strings.HasPrefix(mount.point, "/run/") {
			points = append(points, mount.point)
		}
	}
	return points, err
}

// newMounts returns every mount point that the node did not start with, wherever it is. Several mounts at one point
// are one item. `ip netns add` makes such mounts through propagation.
func (l *Looker) newMounts() ([]Item, error) {
	mounts, err := readMounts()
	var items []Item
	seen := map[string]bool{}
	for _, mount := range mounts {
		again := seen[mount.point]
		seen[mount.point] = true
		switch {
		case l.mounts[mount.point] || again:
		case mount.kind == "nsfs" && strings.HasPrefix(mount.root, "net:"):
			items = append(items, Item{Kind: "netns-mount", Name: mount.point})
		default:
			items = append(items, Item{Kind: "mount", Name: mount.point, Detail: map[string]string{"type": mount.kind}})
		}
	}
	return items, err
}
