package main

import (
	"errors"
	"flag"
	"net"
	"net/http"

	"cnilab/node-tools/internal/cri"
	"cnilab/node-tools/internal/registry"
)

// pullImage makes a runtime pull the images of an archive from a registry that runs only during the pull.
func pullImage(args []string) error {
	flags := flag.NewFlagSet("pull-image", flag.ContinueOnError)
	socket := flags.String("socket", "", "on which the runtime answers CRI")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *socket == "" || flags.NArg() != 1 {
		return errors.New("agent pull-image needs --socket PATH ARCHIVE")
	}
	images, err := registry.Open(flags.Arg(0))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", registry.Address)
	if err != nil {
		return err
	}
	defer listener.Close()
	go func() { _ = http.Serve(listener, images) }()
	runtime := &cri.Runtime{}
	runtime.Use(cri.Traits{Socket: *socket})
	for _, name := range images.Names() {
		if err := runtime.Pull(name); err != nil {
			return err
		}
	}
	return nil
}
