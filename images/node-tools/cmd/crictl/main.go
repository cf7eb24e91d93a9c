// Command crictl is the lab's stand-in for crictl, for places where the official release cannot be had. It has the verbs
// that the lab uses, and for these the same arguments, the same output and the same words for an error as crictl 1.25.0:
// the newest release that talks to containerd 1.4 and 1.5 (v1alpha2) as well as to 2.x (v1).
// test/sources/crictl-parity.test.ts compares the two call by call. Ours alone are the help texts and what --debug prints;
// there is no streaming (exec without --sync, attach, port-forward), and no image is pulled.
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
	app.Usage = "the lab's stand-in for crictl: a client for CRI with the verbs that the lab uses"
	app.Version = version
	app.Flags = globalFlags
	app.Before = func(context *cli.Context) error {
		settings = readSettings(context)
		if settings.debug {
			logrus.SetLevel(logrus.DebugLevel)
		}
		return nil
	}
	app.Commands = []*cli.Command{
		runtimeVersion, runtimeInfo,
		runPod, stopPods, removePods, listPods, inspectPods,
		createContainer, startContainers, runContainer, execInContainer, stopContainers, removeContainers,
		listContainers, inspectContainers, containerLogs,
		listImages,
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
		client, err := runtimeClient(0)
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

// outputFlag is of every verb that shows something.
func outputFlag(formats, preset string) cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: preset, Usage: formats}
}

func boolFlag(name, short, usage string) cli.Flag {
	flag := &cli.BoolFlag{Name: name, Usage: usage}
	if short != "" {
		flag.Aliases = []string{short}
	}
	return flag
}

func stringFlag(name, short, usage string) cli.Flag {
	flag := &cli.StringFlag{Name: name, Usage: usage}
	if short != "" {
		flag.Aliases = []string{short}
	}
	return flag
}
