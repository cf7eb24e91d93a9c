// registry serves the images of an OCI layout to a node's containerd, over plain HTTP on the node's loopback.
//
//	registry ADDRESS FOLDER
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"cnilab/critest/internal/layout"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: registry ADDRESS FOLDER")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "registry: %v\n", err)
		os.Exit(1)
	}
}

func serve(address, folder string) error {
	images, err := layout.Open(folder)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("serving %s on %s\n", folder, address)
	return http.Serve(listener, images)
}
