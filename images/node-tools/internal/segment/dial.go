package segment

import (
	"fmt"
	"net"
	"os"
)

// Dial connects to a switch. A QEMU process inherits the connection.
func Dial(address string) (*os.File, error) {
	connection, err := net.Dial("unix", "@"+address)
	if err != nil {
		return nil, fmt.Errorf("the network of the nodes is gone: %w", err)
	}
	defer connection.Close()
	return connection.(*net.UnixConn).File()
}
