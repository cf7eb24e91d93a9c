// nnp says as whom it runs: the image has it as a file of root's with the set-user-id bit.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Printf("Effective uid: %d\n", os.Geteuid())
}
