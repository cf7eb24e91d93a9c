package cgroup

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyTheNodesOwnLimitCounts(t *testing.T) {
	const (
		nothing   = ""
		sets      = "; `node: { limits: … }` sets it"
		memory    = "the node reached its limit of 64 MiB of memory, and the kernel killed a process" + sets
		processes = "the node reached its limit of 100 processes" + sets
	)
	for name, one := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a host without counts": {nil, nothing},
		"v1, a process was killed at the node's limit": {map[string]string{
			"memory/memory.limit_in_bytes": "67108864\n", "memory/memory.max_usage_in_bytes": "67100000\n",
			"memory/k8s/pod/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
		}, memory},
		"v1, a process was killed at its pod's limit": {map[string]string{
			"memory/memory.limit_in_bytes": "67108864\n", "memory/memory.max_usage_in_bytes": "9000000\n",
			"memory/k8s/pod/memory.oom_control": "oom_kill 1\n",
		}, nothing},
		"v1, the cache was emptied at the limit": {map[string]string{
			"memory/memory.limit_in_bytes": "67108864\n", "memory/memory.max_usage_in_bytes": "67100000\n", "memory/memory.oom_control": "oom_kill 0\n",
		}, nothing},
		"v2, at the node's limit": {map[string]string{
			"memory.max": "67108864\n", "memory.events.local": "low 0\noom 1\noom_kill 0\n",
		}, memory},
		"v2, at a pod's limit": {map[string]string{
			"memory.max": "67108864\n", "memory.events.local": "oom 0\n", "memory.events": "oom 1\n",
		}, nothing},
		"v1, a fork was refused": {map[string]string{
			"pids/pids.max": "100\n", "pids/pids.peak": "100\n", "pids/k8s/pids.events": "max 3\n",
		}, processes},
		"v2, a fork was refused at a pod's limit": {map[string]string{
			"pids.max": "100\n", "pids.peak": "40\n", "k8s/pids.events": "max 3\n",
		}, nothing},
	} {
		root := t.TempDir()
		for path, content := range one.files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got := nothing
		if err := limitHit(root); err != nil {
			got = err.Error()
		}
		if got != one.want {
			t.Errorf("%s: got %q, want %q", name, got, one.want)
		}
	}
}
