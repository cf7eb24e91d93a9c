package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"cnilab/node-tools/internal/cri"
)

// refused is the exit code if no command ran, as with `docker run`.
const refused = 125

// execContainer runs a command in a container with CRI's ExecSync. It passes on the command's output and exit code.
// crictl adds line breaks, mixes both outputs, hides them if the command fails, and always exits with 1.
func execContainer(args []string) error {
	flags := flag.NewFlagSet("exec-container", flag.ContinueOnError)
	socket := flags.String("socket", "", "on which the runtime answers CRI")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *socket == "" || flags.NArg() < 2 {
		return errors.New("agent exec-container needs --socket PATH CONTAINER-ID COMMAND [ARG...]")
	}
	runtime := &cri.Runtime{}
	runtime.Use(cri.Traits{Socket: *socket})
	stdout, stderr, exitCode, err := runtime.Exec(flags.Arg(0), flags.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(refused)
	}
	if _, err := os.Stdout.Write(stdout); err != nil {
		return err
	}
	if _, err := os.Stderr.Write(stderr); err != nil {
		return err
	}
	os.Exit(exitCode)
	return nil
}
