package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// pullFlags are understood, so that the arguments are the same; but nothing is pulled: nodes reach no registry.
func pullFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("auth", "", "not used: nothing is pulled"),
		stringFlag("creds", "", "not used: nothing is pulled"),
		boolFlag("no-pull", "", "the image must be there; so it is always"),
		boolFlag("with-pull", "", "refused: nothing is pulled"),
	}
}

func refusePull(context *cli.Context) error {
	switch {
	case context.Bool("with-pull") && context.Bool("no-pull"):
		return errors.New("confict: no-pull and with-pull are both set") // sic
	case context.Bool("with-pull"):
		return errors.New("the lab's stand-in for crictl pulls no image")
	default:
		return nil
	}
}

var createContainer = &cli.Command{
	Name: "create", Usage: "create a container", ArgsUsage: "POD container-config.[json|yaml] pod-config.[json|yaml]",
	Flags: append(pullFlags(),
		&cli.DurationFlag{Name: "cancel-timeout", Aliases: []string{"T"}, Usage: "give up after this time"}),
	Action: func(context *cli.Context) error {
		if context.NArg() != 3 {
			return cli.ShowSubcommandHelp(context)
		}
		if err := refusePull(context); err != nil {
			return err
		}
		client, err := runtimeClient(context.Duration("cancel-timeout"))
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

var runContainer = &cli.Command{
	Name: "run", Usage: "run a container in a new pod", ArgsUsage: "container-config.[json|yaml] pod-config.[json|yaml]",
	Flags: append(pullFlags(),
		stringFlag("runtime", "r", "runtime handler"),
		&cli.DurationFlag{Name: "timeout", Aliases: []string{"t"}, Usage: "give up after this time"}),
	Action: func(context *cli.Context) error {
		if context.NArg() != 2 {
			return cli.ShowSubcommandHelp(context)
		}
		if err := refusePull(context); err != nil {
			return err
		}
		client, err := runtimeClient(context.Duration("timeout"))
		if err != nil {
			return err
		}
		if err := run(client, context.Args().Get(0), context.Args().Get(1), context.String("runtime")); err != nil {
			return fmt.Errorf("running container: %w", err)
		}
		return nil
	},
}

func run(client *client, configPath, podConfigPath, handler string) error {
	pod, err := runSandbox(client, podConfigPath, handler)
	if err != nil {
		return err
	}
	id, err := create(client, pod, configPath, podConfigPath)
	if err != nil {
		return fmt.Errorf("creating container failed: %w", err)
	}
	if err := start(client, id); err != nil {
		return fmt.Errorf("starting the container %q: %w", id, err)
	}
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
	Flags: []cli.Flag{boolFlag("all", "a", "remove all containers"), boolFlag("force", "f", "stop those that run")},
	Action: func(context *cli.Context) error {
		client, err := runtimeClient(0)
		if err != nil {
			return err
		}
		ids := context.Args().Slice()
		if context.Bool("all") {
			listed, err := containers(client, nil)
			if err != nil {
				return err
			}
			ids = nil
			for _, container := range listed {
				ids = append(ids, container.Id)
			}
		}
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
	response, err := containerStatus(client, id, false)
	if err != nil {
		return err
	}
	if response.GetStatus().GetState() == cri.ContainerState_CONTAINER_RUNNING {
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
