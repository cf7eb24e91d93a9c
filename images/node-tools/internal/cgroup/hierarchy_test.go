package cgroup

import (
	"reflect"
	"testing"
)

func TestHybridHostHasTheUnifiedHierarchyFirst(t *testing.T) {
	mountinfo := `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`
	got := mounted(mountinfo, "9:name=systemd:/\n2:cpu,cpuacct:/user\n0::/\n")
	want := []Hierarchy{
		{Controllers: "", Mount: "/sys/fs/cgroup/unified", mountRoot: "/"},
		{Controllers: "name=systemd", Mount: "/sys/fs/cgroup/systemd", mountRoot: "/"},
		{Controllers: "cpu,cpuacct", Mount: "/sys/fs/cgroup/cpu,cpuacct", mountRoot: "/"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFolderBelowAMountThatShowsOnlyAPart(t *testing.T) {
	docker := Hierarchy{Mount: "/sys/fs/cgroup", mountRoot: "/docker/ab"}
	if dir, err := docker.folder("/docker/ab/lab"); err != nil || dir != "/sys/fs/cgroup/lab" {
		t.Errorf("got %q, %v", dir, err)
	}
	if _, err := docker.folder("/elsewhere"); err == nil {
		t.Error("a group that is not visible has no folder")
	}
}

func TestUnescape(t *testing.T) {
	if got := Unescape(`/mnt/a\040b\134`); got != `/mnt/a b\` {
		t.Errorf("got %q", got)
	}
}

func TestOnlyTheHierarchyAtTheTopIsPure(t *testing.T) {
	for hierarchy, want := range map[Hierarchy]bool{
		{Mount: "/sys/fs/cgroup"}:                                    true,
		{Mount: "/sys/fs/cgroup/unified"}:                            false,
		{Mount: "/sys/fs/cgroup/memory", Controllers: "memory"}:      false,
		{Mount: "/sys/fs/cgroup", Controllers: "cpu,cpuacct,memory"}: false,
	} {
		if got := hierarchy.pureV2(); got != want {
			t.Errorf("%+v: got %v", hierarchy, got)
		}
	}
}
