// Command cni-recorder stands in for a CNI plugin on a node whose plugin calls are recorded. A file in /opt/cni/bin
// is then a script of one line with the path of this program and of the plugin.
package main

import (
	"os"
	"runtime"

	"cnilab/node-tools/internal/standin"
)

// A parent's death signal belongs to the thread that started the plugin. This is the first one, which ends with the
// process.
func init() { runtime.LockOSThread() }

func main() { standin.Main(os.Args) }
