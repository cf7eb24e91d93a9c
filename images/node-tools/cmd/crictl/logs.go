package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
)

var containerLogs = &cli.Command{
	Name: "logs", Usage: "show the output of a container", ArgsUsage: "CONTAINER-ID", UseShortOptionHandling: true,
	Flags: []cli.Flag{
		&cli.Int64Flag{Name: "tail", Value: -1, Usage: "only so many lines from the end"},
		boolFlag("timestamps", "t", "with the time of each line"),
	},
	Action: func(context *cli.Context) error {
		client, err := runtimeClient(0)
		if err != nil {
			return err
		}
		id := context.Args().First()
		if id == "" {
			return errEmptyID
		}
		response, err := containerStatus(client, id, false)
		if err != nil {
			return err
		}
		path := response.GetStatus().GetLogPath()
		if path == "" {
			return errors.New("The container has not set log path")
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("failed to try resolving symlinks in path %q: %v", path, err)
		}
		return showLog(string(content), context.Int64("tail"), context.Bool("timestamps"))
	},
}

// showLog undoes the form that CRI prescribes for a log, `TIME stdout|stderr P|F TEXT`, where P is a part of a line.
func showLog(content string, tail int64, timestamps bool) error {
	lines := strings.SplitAfter(content, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if tail >= 0 && int64(len(lines)) > tail {
		lines = lines[int64(len(lines))-tail:]
	}
	for _, line := range lines {
		fields := strings.SplitN(line, " ", 4)
		if len(fields) < 4 {
			return fmt.Errorf("not a line of a CRI log: %q", line)
		}
		text, to := fields[3], os.Stdout
		if fields[2] == "P" {
			text = strings.TrimSuffix(text, "\n")
		}
		if timestamps {
			text = fields[0] + " " + text
		}
		if fields[1] == "stderr" {
			to = os.Stderr
		}
		fmt.Fprint(to, text)
	}
	return nil
}
