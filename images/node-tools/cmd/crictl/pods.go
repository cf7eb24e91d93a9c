package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var runPod = &cli.Command{
	Name: "runp", Usage: "run a new pod", ArgsUsage: "pod-config.json", UseShortOptionHandling: true,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "runtime", Aliases: []string{"r"}, Usage: "runtime handler to use"},
	},
	Action: func(context *cli.Context) error {
		path := context.Args().First()
		if path == "" {
			return cli.ShowSubcommandHelp(context)
		}
		client, err := runtimeClient()
		if err != nil {
			return err
		}
		id, err := runSandbox(client, path, context.String("runtime"))
		if err != nil {
			return err
		}
		fmt.Println(id)
		return nil
	},
}

func runSandbox(client *client, configPath, handler string) (string, error) {
	config, err := loadPodConfig(configPath)
	if err != nil {
		return "", fmt.Errorf("load podSandboxConfig: %w", err)
	}
	request := &cri.RunPodSandboxRequest{Config: config, RuntimeHandler: handler}
	response := &cri.RunPodSandboxResponse{}
	// twice the timeout, which kubelet's client uses for this call only
	if err := client.callWithin(2*client.timeout, "RunPodSandbox", request, response); err != nil {
		return "", fmt.Errorf("run pod sandbox: %w", err)
	}
	return response.PodSandboxId, nil
}

var stopPods = &cli.Command{
	Name: "stopp", Usage: "stop pods", ArgsUsage: "POD-ID [POD-ID...]",
	Action: eachID("stopping the pod sandbox", func(client *client, _ *cli.Context, id string) error { return stopSandbox(client, id) }),
}

var removePods = &cli.Command{
	Name: "rmp", Usage: "remove pods", ArgsUsage: "POD-ID [POD-ID...]", UseShortOptionHandling: true,
	Flags: []cli.Flag{boolFlag("force", "f", "stop those that run")},
	Action: func(context *cli.Context) error {
		client, err := runtimeClient()
		if err != nil {
			return err
		}
		ids := context.Args().Slice()
		if len(ids) == 0 {
			return cli.ShowSubcommandHelp(context)
		}
		return allAtOnce(ids, func(id string) error { return removeSandbox(client, id, context.Bool("force")) })
	},
}

func stopSandbox(client *client, id string) error {
	if id == "" {
		return errEmptyID
	}
	request := &cri.StopPodSandboxRequest{PodSandboxId: id}
	if err := client.call("StopPodSandbox", request, &cri.StopPodSandboxResponse{}, about{"podSandboxID", id}); err != nil {
		return err
	}
	fmt.Printf("Stopped sandbox %s\n", id)
	return nil
}

func removeSandbox(client *client, id string, force bool) error {
	status, err := sandboxStatus(client, id)
	if err != nil {
		return fmt.Errorf("getting sandbox status of pod %q: %w", id, err)
	}
	if status.State == cri.PodSandboxState_SANDBOX_READY {
		if !force {
			return fmt.Errorf("pod sandbox %q is running, please stop it first", id)
		}
		if err := stopSandbox(client, id); err != nil {
			return fmt.Errorf("stopping the pod sandbox %q failed: %w", id, err)
		}
	}
	request := &cri.RemovePodSandboxRequest{PodSandboxId: id}
	if err := client.call("RemovePodSandbox", request, &cri.RemovePodSandboxResponse{}, about{"podSandboxID", id}); err != nil {
		return fmt.Errorf("removing the pod sandbox %q: %w", id, err)
	}
	fmt.Printf("Removed sandbox %s\n", id)
	return nil
}

// sandboxStatus rejects a status that lacks required fields, as kubelet's client does.
func sandboxStatus(client *client, id string) (*cri.PodSandboxStatus, error) {
	response := &cri.PodSandboxStatusResponse{}
	if err := client.call("PodSandboxStatus", &cri.PodSandboxStatusRequest{PodSandboxId: id}, response); err != nil {
		return nil, err
	}
	metadata := response.GetStatus().GetMetadata()
	switch status := response.GetStatus(); {
	case status.GetId() == "":
		return nil, errors.New("status.Id is not set")
	case metadata == nil:
		return nil, errors.New("status.Metadata is not set")
	case metadata.Name == "" || metadata.Namespace == "" || metadata.Uid == "":
		return nil, fmt.Errorf("metadata.Name, metadata.Namespace or metadata.Uid is not in metadata %q", metadata)
	case status.CreatedAt == 0:
		return nil, errors.New("status.CreatedAt is not set")
	}
	return response.Status, nil
}

var errEmptyID = errors.New("ID cannot be empty")

// allAtOnce does one thing to all ids in parallel.
func allAtOnce(ids []string, do func(id string) error) error {
	ended := make(chan error)
	for _, id := range ids {
		go func(id string) { ended <- do(id) }(id)
	}
	var failed failures
	for range ids {
		if err := <-ended; err != nil {
			failed = append(failed, err)
		}
	}
	if failed == nil {
		return nil
	}
	return failed
}

// failures is printed by the command line library, one error per line, without time and level. The library recognises
// it by this method. So `rmp` is the one verb of crictl whose errors look different.
type failures []error

func (f failures) Errors() []error { return f }
func (f failures) Error() string   { return errors.Join(f...).Error() }
