// nnp prints its effective user id. In the image the file belongs to root and has the set-user-id bit.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Printf("Effective uid: %d\n", os.Geteuid())
}
