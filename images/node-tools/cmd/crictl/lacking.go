package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// lacking is the error of a call that the official crictl may support and this one does not: a verb, a flag or a
// form. The lab recognises the text (lab/steps/commands.ts). The exit code is the lab's code for what could not be
// tried.
func lacking(what string) error {
	return cli.Exit(fmt.Sprintf("this crictl is cnilab's own and has no %s; take an official one: `crictl: release:1.25.0`, "+
		"or `crictl: local:PATH`, in the file, or --crictl", what), 69)
}

// elsewhere are the verbs of official releases up to 1.36 that this crictl does not have.
var elsewhere = []string{
	"attach", "checkpoint", "completion", "config", "events", "exec", "image", "imagefsinfo", "images", "img", "inspect", "inspecti",
	"inspectp", "logs", "metricdescs", "metricsp", "port-forward", "pull", "rmi", "run", "runtime-config", "stats", "statsp", "update",
	"update-runtime-config", "version",
}

// explainWhatIsLacking replaces the library's own error for an unknown verb or flag that the official crictl may have.
// One that no crictl has gets the same error as in the official crictl.
func explainWhatIsLacking(app *cli.App) {
	app.Action = func(context *cli.Context) error {
		verb := context.Args().First()
		if slices.Contains(elsewhere, verb) {
			return lacking(fmt.Sprintf("%q", verb))
		}
		if verb != "" {
			return cli.ShowCommandHelp(context, verb)
		}
		return cli.ShowAppHelp(context)
	}
	app.OnUsageError = wrongUsage
	for _, command := range app.Commands {
		command.OnUsageError = wrongUsage
	}
}

func wrongUsage(context *cli.Context, err error, _ bool) error {
	flag, isUnknown := strings.CutPrefix(err.Error(), "flag provided but not defined: ")
	verb := context.Command.Name
	switch {
	case isUnknown && verb == "":
		return lacking("flag " + flag)
	case isUnknown:
		return lacking(fmt.Sprintf("flag %s for %q", flag, verb))
	case verb == "":
		fmt.Printf("Incorrect Usage. %v\n\n", err)
		_ = cli.ShowAppHelp(context)
	default:
		fmt.Printf("Incorrect Usage: %v\n\n", err)
		_ = cli.ShowCommandHelp(context, verb)
	}
	return err
}
