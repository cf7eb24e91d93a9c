package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var runtimeVersion = &cli.Command{
	Name: "version", Usage: "show the runtime's version",
	Action: func(*cli.Context) error {
		client, err := runtimeClient(0)
		if err != nil {
			return err
		}
		response := &cri.VersionResponse{}
		if err := client.call("Version", &cri.VersionRequest{Version: "v1"}, response); err != nil {
			return fmt.Errorf("getting the runtime version: %w", err)
		}
		fmt.Println("Version: ", response.Version)
		fmt.Println("RuntimeName: ", response.RuntimeName)
		fmt.Println("RuntimeVersion: ", response.RuntimeVersion)
		fmt.Println("RuntimeApiVersion: ", response.RuntimeApiVersion)
		return nil
	},
}

var runtimeInfo = &cli.Command{
	Name: "info", Usage: "show the runtime's status", UseShortOptionHandling: true,
	Flags: []cli.Flag{
		outputFlag("json|yaml|go-template", "json"),
		boolFlag("quiet", "q", "without the runtime's own information"),
		stringFlag("template", "", "for -o go-template"),
	},
	Action: func(context *cli.Context) error {
		client, err := runtimeClient(0)
		if err != nil {
			return err
		}
		if err := showInfo(client, context); err != nil {
			return fmt.Errorf("getting status of runtime: %w", err)
		}
		return nil
	},
}

func showInfo(client *client, context *cli.Context) error {
	response := &cri.StatusResponse{}
	if err := client.call("Status", &cri.StatusRequest{Verbose: !context.Bool("quiet")}, response); err != nil {
		return err
	}
	if len(response.GetStatus().GetConditions()) < 2 {
		return errors.New("RuntimeReady or NetworkReady condition are not set")
	}
	status, err := asJSON(response.Status)
	if err != nil {
		return err
	}
	return statusIn(context.String("output"), context.String("template"), status, response.Info)
}
