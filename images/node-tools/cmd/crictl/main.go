// Command crictl is the lab's stand-in for crictl 1.25.0 where that release is not available: beside containerd 1.4 and 1.5,
// which speak CRI v1alpha2 alone. It has the verbs that the lab uses and those that a person looks with, and for these the same
// arguments, the same output and the same words for an error; test/sources/crictl-parity.test.ts compares the two call by call.
// Ours alone are the help texts. What it does not have, it refuses in words that the lab knows: see lacking.go.
package main

import (
	"fmt"
	"os"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

// version is that of package.json, and then what this is; `crictl --version` prints it after `crictl version`.
const version = "cnilab-0.1.0 (the lab's stand-in for crictl, from k8s.io/cri-api v0.25.3)"

func main() {
	app := cli.NewApp()
	app.Name = "crictl"
	app.Usage = "the lab's stand-in for crictl: a client for CRI v1alpha2, beside containerd 1.4 and 1.5"
	app.Version = version
	app.Flags = globalFlags
	app.Before = func(context *cli.Context) error {
		settings = readSettings(context)
		return nil
	}
	app.Commands = []*cli.Command{
		runPod, stopPods, removePods, listPods,
		createContainer, startContainers, stopContainers, removeContainers, listContainers,
		runtimeInfo,
	}
	tellWhatIsLacking(app)
	if err := app.Run(os.Args); err != nil {
		logrus.Fatal(err)
	}
}

// needsArguments is the action of a verb that shows its help, and succeeds, when it has nothing to act on.
func needsArguments(least int, action cli.ActionFunc) cli.ActionFunc {
	return func(context *cli.Context) error {
		if context.NArg() < least {
			return cli.ShowSubcommandHelp(context)
		}
		return action(context)
	}
}

// eachID does one thing to each id that is named, and stops at the first that fails, with these words before its error.
func eachID(doing string, act func(client *client, context *cli.Context, id string) error) cli.ActionFunc {
	return needsArguments(1, func(context *cli.Context) error {
		client, err := runtimeClient()
		if err != nil {
			return err
		}
		for _, id := range context.Args().Slice() {
			if err := act(client, context, id); err != nil {
				return fmt.Errorf("%s %q: %w", doing, id, err)
			}
		}
		return nil
	})
}

func boolFlag(name, short, usage string) cli.Flag {
	flag := &cli.BoolFlag{Name: name, Usage: usage}
	if short != "" {
		flag.Aliases = []string{short}
	}
	return flag
}
