// Package cgroup finds the cgroup hierarchies of a host (v1, hybrid or v2) and makes what a node needs in them.
package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Hierarchy is one mounted cgroup hierarchy.
type Hierarchy struct {
	// Controllers as in /proc/self/cgroup: "memory", "cpu,cpuacct", "name=systemd"; empty for v2.
	Controllers string
	// Mount is the mount point.
	Mount string
	// mountRoot is the cgroup that is visible at Mount.
	mountRoot string
}

// V2 reports whether it is the unified hierarchy.
func (h Hierarchy) V2() bool { return h.Controllers == "" }

// pureV2 reports whether it is the only one of its host. A hybrid host also has v1, and mounts the unified one
// further down.
func (h Hierarchy) pureV2() bool { return h.V2() && h.Mount == inNode }

// Mounted returns every mounted hierarchy, the unified one first. On a pure v2 host there is no other.
func Mounted() ([]Hierarchy, error) {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	return mounted(string(mountinfo), string(groups)), nil
}

// Has reports whether a v1 hierarchy has this controller. A file of its name may be there without one. On a pure v2 host
// the answer is yes, as none was seen to be missing there.
func Has(controller string) bool {
	hierarchies, _ := Mounted()
	return slices.ContainsFunc(hierarchies, func(one Hierarchy) bool {
		return one.pureV2() || slices.Contains(strings.Split(one.Controllers, ","), controller)
	})
}

// mounted combines the two files, because only /proc/self/cgroup distinguishes controllers from other mount options.
func mounted(mountinfo, groups string) []Hierarchy {
	var found []Hierarchy
	for _, controllers := range controllersOf(groups) {
		match := Hierarchy{Controllers: controllers}
		for _, line := range strings.Split(mountinfo, "\n") {
			before, after, ok := strings.Cut(line, " - ")
			fields, kind := strings.Fields(before), strings.Fields(after)
			if !ok || len(fields) < 5 || len(kind) < 3 {
				continue
			}
			if (controllers == "" && kind[0] == "cgroup2") || (controllers != "" && kind[0] == "cgroup" && hasAll(kind[2], controllers)) {
				match.mountRoot, match.Mount = Unescape(fields[3]), Unescape(fields[4])
				if strings.HasPrefix(match.Mount, inNode) {
					break // the usual place, where runc looks; others are private mounts
				}
			}
		}
		if match.Mount != "" {
			found = append(found, match)
		}
	}
	return found
}

func controllersOf(groups string) []string {
	var v1, v2 []string
	for _, line := range strings.Split(groups, "\n") {
		fields := strings.SplitN(line, ":", 3)
		if len(fields) != 3 {
			continue
		}
		if fields[0] == "0" {
			v2 = append(v2, "")
		} else if fields[1] != "" {
			v1 = append(v1, fields[1])
		}
	}
	return append(v2, v1...)
}

func hasAll(options, controllers string) bool {
	have := "," + options + ","
	for _, controller := range strings.Split(controllers, ",") {
		if !strings.Contains(have, ","+controller+",") {
			return false
		}
	}
	return true
}

// FolderOf returns the folder of a process's cgroup. A cgroup above what is mounted here has no folder.
func (h Hierarchy) FolderOf(pid string) (string, error) {
	groups, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil {
		return "", err
	}
	for _, line := range strings.Split(string(groups), "\n") {
		fields := strings.SplitN(line, ":", 3)
		if len(fields) != 3 || fields[1] != h.Controllers || (h.V2() && fields[0] != "0") {
			continue
		}
		return h.folder(fields[2])
	}
	return "", fmt.Errorf("process %s is in no group of %s", pid, h.Mount)
}

func (h Hierarchy) folder(group string) (string, error) {
	inside, err := filepath.Rel(h.mountRoot, group)
	if err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		return "", fmt.Errorf("the group %s is not visible below %s", group, h.Mount)
	}
	return filepath.Join(h.Mount, inside), nil
}

// Unescape decodes the octal escapes of /proc/self/mountinfo: \040 is a space.
func Unescape(field string) string {
	if !strings.Contains(field, `\`) {
		return field
	}
	var plain strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+3 < len(field) {
			if code, err := strconv.ParseUint(field[i+1:i+4], 8, 8); err == nil {
				plain.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		plain.WriteByte(field[i])
	}
	return plain.String()
}
