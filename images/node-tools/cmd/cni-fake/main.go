// Command cni-fake is a CNI plugin that does what a script says. Links with the names of plugins point to it. The
// name by which it is called selects the script.
package main

import (
	"os"

	"cnilab/node-tools/internal/fake"
)

func main() { os.Exit(fake.Main(os.Args)) }
