// Command cni-fake is a CNI plugin that does what a script says. Links with the names of plugins point to it, and the name
// by which it is called says which script.
package main

import (
	"os"

	"cnilab/node-tools/internal/fake"
)

func main() { os.Exit(fake.Main(os.Args)) }
