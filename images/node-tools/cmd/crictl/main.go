// Command crictl is the lab's replacement for crictl 1.25.0 where that release is not available. It is for containerd
// 1.4 and 1.5, which support only CRI v1alpha2. It has the verbs that the lab uses and those that a person looks
// with. For these it has the same arguments, the same output and the same errors. test/sources/crictl-parity.test.ts
// compares the two call by call. Only the help texts differ. Other verbs and flags are rejected with a message that
// the lab recognises: see lacking.go.
package main

import (
	"fmt"
	"os"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

// version is the version in package.json and what this program is. `crictl --version` prints it after `crictl
// version`.
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
	explainWhatIsLacking(app)
	if err := app.Run(os.Args); err != nil {
		logrus.Fatal(err)
	}
}

// needsArguments is the action of a verb that prints its help, and succeeds, if it has too few arguments.
func needsArguments(least int, action cli.ActionFunc) cli.ActionFunc {
	return func(context *cli.Context) error {
		if context.NArg() < least {
			return cli.ShowSubcommandHelp(context)
		}
		return action(context)
	}
}

// eachID does one thing to each id and stops at the first error. `doing` is the text before that error.
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
