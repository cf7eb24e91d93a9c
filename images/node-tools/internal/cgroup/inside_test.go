package cgroup

import (
	"slices"
	"testing"
)

func TestControllersWithoutAHierarchy(t *testing.T) {
	const controllers = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t933\t1\nnet_cls\t0\t4\t1\nhugetlb\t0\t1\t0\n"
	if names := withoutHierarchy(controllers); !slices.Equal(names, []string{"net_cls", "hugetlb"}) {
		t.Error(names)
	}
}
