package main

import (
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var listContainers = &cli.Command{
	Name: "ps", Usage: "list containers", UseShortOptionHandling: true,
	Flags: append(listFlags("json|yaml|table"),
		boolFlag("all", "a", "those that do not run as well"),
		stringFlag("id", "", "only this container"),
		stringFlag("name", "", "only containers whose name matches this regular expression"),
		stringFlag("pod", "p", "only containers of this pod"),
		stringFlag("state", "s", "only containers that are created, running, exited or unknown"),
	),
	Action: func(context *cli.Context) error {
		client, err := runtimeClient(0)
		if err != nil {
			return err
		}
		if _, err := imageClient(); err != nil { // not needed here; but where it cannot be had, crictl fails
			return err
		}
		labels, err := labelsOf(context)
		if err != nil {
			return err
		}
		if err := showContainers(client, context, labels); err != nil {
			return fmt.Errorf("listing containers: %w", err)
		}
		return nil
	},
}

func showContainers(client *client, context *cli.Context, labels map[string]string) error {
	filter := &cri.ContainerFilter{
		Id: context.String("id"), PodSandboxId: context.String("pod"), LabelSelector: labels, State: stateFilter(context),
	}
	listed, err := containers(client, filter)
	if err != nil {
		return err
	}
	listed = newestFirst(context, listed, func(container *cri.Container) bool {
		return matches(context.String("name"), container.Metadata.Name)
	})
	format := context.String("output")
	if shown, err := listIn(format, &cri.ListContainersResponse{Containers: listed}); shown || err != nil {
		return err
	}
	if format != "table" {
		return fmt.Errorf("unsupported output format %q", format)
	}
	rows := [][]string{{"CONTAINER", "IMAGE", "CREATED", "STATE", "NAME", "ATTEMPT", "POD ID", "POD"}}
	for _, container := range listed {
		if context.Bool("quiet") {
			fmt.Println(container.Id)
			continue
		}
		rows = append(rows, containerRow(container, context.Bool("no-trunc")))
	}
	if !context.Bool("quiet") {
		printTable(rows)
	}
	return nil
}

func containerRow(container *cri.Container, whole bool) []string {
	id, image, podID := container.Id, container.Image.Image, container.PodSandboxId
	if !whole {
		id, podID = shortID(id), shortID(podID)
		if strings.HasPrefix(image, "sha256:") {
			image = shortID(image)
		}
	}
	podName, known := container.Labels["io.kubernetes.pod.name"]
	if !known {
		podName = "unknown"
	}
	state := strings.ToLower(strings.TrimPrefix(container.State.String(), "CONTAINER_"))
	return []string{
		id, image, age(container.CreatedAt), strings.ToUpper(state[:1]) + state[1:], container.Metadata.Name,
		fmt.Sprint(container.Metadata.Attempt), podID, podName,
	}
}

// stateFilter is for running containers unless something else is asked for; --last and --latest are of all states.
func stateFilter(context *cli.Context) *cri.ContainerStateValue {
	wanted := strings.ToUpper(context.String("state"))
	if wanted == "" && !context.Bool("all") {
		wanted = "RUNNING"
	}
	state, known := cri.ContainerState_value["CONTAINER_"+wanted]
	if wanted != "" && !known {
		log.Fatalf("--state should be one of created, running, exited or unknown")
	}
	if wanted == "" || context.Bool("latest") || context.Int("last") > 0 {
		return nil
	}
	return &cri.ContainerStateValue{State: cri.ContainerState(state)}
}

func containers(client *client, filter *cri.ContainerFilter) ([]*cri.Container, error) {
	response := &cri.ListContainersResponse{}
	err := client.call("ListContainers", &cri.ListContainersRequest{Filter: filter}, response, about{"filter", filter})
	return response.Containers, err
}

var inspectContainers = &cli.Command{
	Name: "inspect", Usage: "show the status of containers", ArgsUsage: "CONTAINER-ID [CONTAINER-ID...]",
	Flags:  inspectFlags("json|yaml|go-template|table"),
	Action: eachID("getting the status of the container", showContainer),
}

func showContainer(client *client, context *cli.Context, id string) error {
	if id == "" {
		return errEmptyID
	}
	verbose := !context.Bool("quiet")
	response, err := containerStatus(client, id, verbose)
	if err != nil {
		return err
	}
	status := response.Status
	exited := status.State == cri.ContainerState_CONTAINER_EXITED
	switch format := formatOf(context); format {
	case "json", "yaml", "go-template":
		var started, finished time.Time
		if status.State != cri.ContainerState_CONTAINER_CREATED {
			started = time.Unix(0, status.StartedAt)
		}
		if exited || (status.State == cri.ContainerState_CONTAINER_UNKNOWN && status.FinishedAt > 0) {
			finished = time.Unix(0, status.FinishedAt)
		}
		text, err := statusJSON(status, map[string]any{
			"createdAt":  timeText(status.CreatedAt),
			"startedAt":  started.Format(time.RFC3339Nano),
			"finishedAt": finished.Format(time.RFC3339Nano),
		})
		if err != nil {
			return err
		}
		return statusIn(format, context.String("template"), text, response.Info)
	case "table":
	default:
		return fmt.Errorf("output option cannot be %s", format)
	}
	fmt.Printf("ID: %s\nName: %s\n", status.Id, status.Metadata.Name)
	if status.Metadata.Attempt != 0 {
		fmt.Printf("Attempt: %v\n", status.Metadata.Attempt)
	}
	fmt.Printf("State: %s\nCreated: %v\n", status.State, age(status.CreatedAt))
	if status.State != cri.ContainerState_CONTAINER_CREATED {
		fmt.Printf("Started: %v\n", age(status.StartedAt))
	}
	if exited {
		if status.FinishedAt > 0 {
			fmt.Printf("Finished: %v\n", age(status.FinishedAt))
		}
		fmt.Printf("Exit Code: %v\n", status.ExitCode)
	}
	printPairs("Labels", status.Labels)
	printPairs("Annotations", status.Annotations)
	if verbose {
		fmt.Printf("Info: %v\n", response.Info)
	}
	return nil
}

// containerStatus refuses a status without the fields that must be there, as kubelet's client does.
func containerStatus(client *client, id string, verbose bool) (*cri.ContainerStatusResponse, error) {
	response := &cri.ContainerStatusResponse{}
	request := &cri.ContainerStatusRequest{ContainerId: id, Verbose: verbose}
	if err := client.call("ContainerStatus", request, response, about{"containerID", id}); err != nil {
		return nil, err
	}
	if status := response.GetStatus(); status.GetId() == "" || status.GetMetadata().GetName() == "" || status.CreatedAt == 0 {
		return nil, errors.New("the status has no id, no name or no time of creation")
	}
	return response, nil
}
