package main

import (
	"errors"
	"fmt"
	"os"

	"cnilab/node-tools/internal/cri"
)

// refused is the exit code where no command ran, as with `docker run`.
const refused = 125

// execContainer runs a command in a container by CRI's ExecSync, and prints what it printed, ends as it ended. crictl
// adds line breaks, mixes both outputs, hides them where the command fails, and always exits with 1.
func execContainer(args []string) error {
	if len(args) < 2 {
		return errors.New("agent exec-container needs CONTAINER-ID COMMAND [ARG...]")
	}
	stdout, stderr, exitCode, err := (&cri.Runtime{}).Exec(args[0], args[1:])
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
