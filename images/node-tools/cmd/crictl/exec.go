package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var execInContainer = &cli.Command{
	Name: "exec", Usage: "run a command in a container", ArgsUsage: "CONTAINER-ID COMMAND [ARG...]", UseShortOptionHandling: true,
	Flags: []cli.Flag{
		boolFlag("interactive", "i", "not available: it needs streaming"),
		boolFlag("sync", "s", "wait for the command, then show its output; the only way this program has"),
		&cli.Int64Flag{Name: "timeout", Usage: "seconds"},
		boolFlag("tty", "t", "not available: it needs streaming"),
	},
	Action: needsArguments(2, func(context *cli.Context) error {
		client, err := runtimeClient(0)
		if err != nil {
			return err
		}
		if !context.Bool("sync") {
			return lacking("streaming: exec has to be exec --sync")
		}
		id, command := context.Args().First(), context.Args().Tail()
		if err := execSync(client, id, command, context.Int64("timeout")); err != nil {
			return fmt.Errorf("execing command in container synchronously: %w", err)
		}
		return nil
	}),
}

// execSync shows what the command printed only if the command succeeded. That is what crictl does.
func execSync(client *client, id string, command []string, timeoutSeconds int64) error {
	request := &cri.ExecSyncRequest{ContainerId: id, Cmd: command, Timeout: timeoutSeconds}
	response := &cri.ExecSyncResponse{}
	var limit time.Duration
	if timeoutSeconds != 0 {
		limit = client.timeout + time.Duration(timeoutSeconds)*time.Second
	}
	err := client.callWithin(limit, "ExecSync", request, response, about{"containerID", id}, about{"cmd", command})
	words := strings.Join(command, " ")
	switch {
	case status.Code(err) == codes.DeadlineExceeded:
		return fmt.Errorf("command %q timed out", words)
	case err != nil:
		return err
	case response.ExitCode != 0:
		return fmt.Errorf("command '%s' exited with %d: %s", words, response.ExitCode, response.Stderr)
	}
	fmt.Println(string(response.Stdout))
	fmt.Println(string(response.Stderr))
	return nil
}
