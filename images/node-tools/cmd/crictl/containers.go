package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var createContainer = &cli.Command{
	Name: "create", Usage: "create a container", ArgsUsage: "POD container-config.json pod-config.json",
	Action: func(context *cli.Context) error {
		if context.NArg() != 3 {
			return cli.ShowSubcommandHelp(context)
		}
		client, err := runtimeClient()
		if err != nil {
			return err
		}
		arguments := context.Args()
		id, err := create(client, arguments.Get(0), arguments.Get(1), arguments.Get(2))
		if err != nil {
			return fmt.Errorf("creating container: %w", err)
		}
		fmt.Println(id)
		return nil
	},
}

func create(client *client, pod, configPath, podConfigPath string) (string, error) {
	config, err := loadContainerConfig(configPath)
	if err != nil {
		return "", err
	}
	podConfig, err := loadPodConfig(podConfigPath)
	if err != nil {
		return "", err
	}
	request := &cri.CreateContainerRequest{PodSandboxId: pod, Config: config, SandboxConfig: podConfig}
	response := &cri.CreateContainerResponse{}
	err = client.call("CreateContainer", request, response, about{"podSandboxID", pod})
	return response.ContainerId, err
}

var startContainers = &cli.Command{
	Name: "start", Usage: "start containers", ArgsUsage: "CONTAINER-ID [CONTAINER-ID...]",
	Action: eachID("starting the container", func(client *client, _ *cli.Context, id string) error { return start(client, id) }),
}

func start(client *client, id string) error {
	if id == "" {
		return errEmptyID
	}
	request := &cri.StartContainerRequest{ContainerId: id}
	if err := client.call("StartContainer", request, &cri.StartContainerResponse{}, about{"containerID", id}); err != nil {
		return err
	}
	fmt.Println(id)
	return nil
}

var stopContainers = &cli.Command{
	Name: "stop", Usage: "stop containers", ArgsUsage: "CONTAINER-ID [CONTAINER-ID...]", UseShortOptionHandling: true,
	Flags: []cli.Flag{
		&cli.Int64Flag{Name: "timeout", Aliases: []string{"t"}, Usage: "seconds between asking and killing"},
	},
	Action: eachID("stopping the container", func(client *client, context *cli.Context, id string) error {
		return stop(client, id, context.Int64("timeout"))
	}),
}

func stop(client *client, id string, graceSeconds int64) error {
	if id == "" {
		return errEmptyID
	}
	request := &cri.StopContainerRequest{ContainerId: id, Timeout: graceSeconds}
	timeout := client.timeout + time.Duration(graceSeconds)*time.Second
	err := client.callWithin(timeout, "StopContainer", request, &cri.StopContainerResponse{}, about{"containerID", id})
	if err == nil {
		fmt.Println(id)
	}
	return err
}

var removeContainers = &cli.Command{
	Name: "rm", Usage: "remove containers", ArgsUsage: "CONTAINER-ID [CONTAINER-ID...]", UseShortOptionHandling: true,
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
		failed := false
		for _, id := range ids {
			if err := remove(client, id, context.Bool("force")); err != nil {
				logrus.Error(err)
				failed = true
			}
		}
		if failed {
			return errors.New("unable to remove container(s)")
		}
		return nil
	},
}

func remove(client *client, id string, force bool) error {
	status, err := containerStatus(client, id)
	if err != nil {
		return err
	}
	if status.State == cri.ContainerState_CONTAINER_RUNNING {
		if !force {
			return fmt.Errorf("container %q is running, please stop it first", id)
		}
		if err := stop(client, id, 0); err != nil {
			return fmt.Errorf("stopping the container %q failed: %w", id, err)
		}
	}
	request := &cri.RemoveContainerRequest{ContainerId: id}
	if err := client.call("RemoveContainer", request, &cri.RemoveContainerResponse{}, about{"containerID", id}); err != nil {
		return fmt.Errorf("removing container %q failed: %w", id, err)
	}
	fmt.Println(id)
	return nil
}

// containerStatus rejects a status that lacks required fields, as kubelet's client does.
func containerStatus(client *client, id string) (*cri.ContainerStatus, error) {
	response := &cri.ContainerStatusResponse{}
	request := &cri.ContainerStatusRequest{ContainerId: id}
	if err := client.call("ContainerStatus", request, response, about{"containerID", id}); err != nil {
		return nil, err
	}
	status := response.GetStatus()
	if status.GetId() == "" || status.GetMetadata().GetName() == "" || status.CreatedAt == 0 {
		return nil, errors.New("the status has no id, no name or no time of creation")
	}
	return status, nil
}
