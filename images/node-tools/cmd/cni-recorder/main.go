// Command cni-recorder stands in for a CNI plugin on a node whose plugin calls are recorded. A file in /opt/cni/bin is then a
// script of one line that names this program and where the plugin lies.
package main

import (
	"os"
	"runtime"

	"cnilab/node-tools/internal/standin"
)

// A parent's death signal belongs to the thread that started the plugin: the first one, which ends with the process.
func init() { runtime.LockOSThread() }

func main() { standin.Main(os.Args) }
