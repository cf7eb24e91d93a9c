package main

import (
	"errors"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"

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
	defer images.Close()
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

// announceImages writes a file of registries.conf.d, from which a runtime knows at its start where it pulls the images of these
// archives from.
func announceImages(args []string) error {
	if len(args) < 2 {
		return errors.New("agent announce-images needs FILE ARCHIVE...")
	}
	var archives []*registry.Images
	for _, archive := range args[1:] {
		images, err := registry.Open(archive)
		if err != nil {
			return err
		}
		defer images.Close()
		archives = append(archives, images)
	}
	if err := os.MkdirAll(filepath.Dir(args[0]), 0o755); err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(registry.Config(archives...)), 0o644)
}
