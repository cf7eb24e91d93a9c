package cgroup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Usage returns, inside the node, what its cgroup has used so far. Values that this host does not count are nil.
func Usage() (cpuMs *float64, memoryPeakBytes *int64) {
	scaled := func(value int64, divisor float64) *float64 {
		milliseconds := float64(value) / divisor
		return &milliseconds
	}
	if value, ok := number("cpuacct", "cpuacct.usage"); ok {
		cpuMs = scaled(value, 1e6)
	} else if text, err := os.ReadFile(filepath.Join(inNode, "cpu.stat")); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			if after, found := strings.CutPrefix(line, "usage_usec "); found {
				if value, err := strconv.ParseInt(after, 10, 64); err == nil {
					cpuMs = scaled(value, 1e3)
				}
			}
		}
	}
	if value, ok := number("memory", "memory.max_usage_in_bytes"); ok {
		memoryPeakBytes = &value
	} else if value, ok := number("", "memory.peak"); ok {
		memoryPeakBytes = &value
	}
	return cpuMs, memoryPeakBytes
}

func number(folder, file string) (int64, bool) {
	text, err := os.ReadFile(filepath.Join(inNode, folder, file))
	if err != nil {
		return 0, false
	}
	value, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return value, err == nil
}
