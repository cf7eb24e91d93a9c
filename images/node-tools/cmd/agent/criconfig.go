package main

import (
	"errors"
	"flag"
	"os"

	"cnilab/node-tools/internal/cri"
)

// criConfig prints the config of a sandbox or a container as the runtime stored it, as JSON.
func criConfig(args []string) error {
	flags := flag.NewFlagSet("cri-config", flag.ContinueOnError)
	socket := flags.String("socket", "", "on which the runtime answers CRI")
	if err := flags.Parse(args); err != nil {
		return err
	}
	runtime := &cri.Runtime{}
	runtime.Use(cri.Traits{Socket: *socket})
	ask := map[string]func(string) ([]byte, error){
		"pod":       func(id string) ([]byte, error) { return runtime.SandboxConfig(id) },
		"container": func(id string) ([]byte, error) { return runtime.ContainerConfig(id) },
	}[flags.Arg(0)]
	if *socket == "" || ask == nil || flags.NArg() != 2 {
		return errors.New("agent cri-config needs --socket PATH pod|container ID")
	}
	config, err := ask(flags.Arg(1))
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(config)
	return err
}
