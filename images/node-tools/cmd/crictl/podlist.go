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

var listPods = &cli.Command{
	Name: "pods", Usage: "list pods", UseShortOptionHandling: true,
	Flags: append(listFlags("json|yaml|table"),
		stringFlag("id", "", "only this pod"),
		stringFlag("name", "", "only pods whose name matches this regular expression"),
		stringFlag("namespace", "", "only pods whose namespace matches this regular expression"),
		stringFlag("state", "s", "only pods that are `ready` or notready"),
	),
	Action: func(context *cli.Context) error {
		client, err := runtimeClient(0)
		if err != nil {
			return err
		}
		labels, err := labelsOf(context)
		if err != nil {
			return err
		}
		if err := showPods(client, context, labels); err != nil {
			return fmt.Errorf("listing pod sandboxes: %w", err)
		}
		return nil
	},
}

func showPods(client *client, context *cli.Context, labels map[string]string) error {
	filter := &cri.PodSandboxFilter{Id: context.String("id"), LabelSelector: labels}
	switch strings.ToLower(context.String("state")) {
	case "":
	case "ready":
		filter.State = &cri.PodSandboxStateValue{State: cri.PodSandboxState_SANDBOX_READY}
	case "notready":
		filter.State = &cri.PodSandboxStateValue{State: cri.PodSandboxState_SANDBOX_NOTREADY}
	default:
		log.Fatalf("--state should be ready or notready")
	}
	pods, err := sandboxes(client, filter)
	if err != nil {
		return err
	}
	pods = newestFirst(context, pods, func(pod *cri.PodSandbox) bool {
		return matches(context.String("name"), pod.Metadata.Name) && matches(context.String("namespace"), pod.Metadata.Namespace)
	})
	format := context.String("output")
	if shown, err := listIn(format, &cri.ListPodSandboxResponse{Items: pods}); shown || err != nil {
		return err
	}
	if format != "table" {
		return fmt.Errorf("unsupported output format %q", format)
	}
	rows := [][]string{{"POD ID", "CREATED", "STATE", "NAME", "NAMESPACE", "ATTEMPT", "RUNTIME"}}
	for _, pod := range pods {
		if context.Bool("quiet") {
			fmt.Println(pod.Id)
			continue
		}
		id, handler := pod.Id, pod.RuntimeHandler
		if !context.Bool("no-trunc") {
			id = shortID(id)
		}
		if handler == "" {
			handler = "(default)"
		}
		rows = append(rows, []string{
			id, age(pod.CreatedAt), podState(pod.State), pod.Metadata.Name, pod.Metadata.Namespace,
			fmt.Sprint(pod.Metadata.Attempt), handler,
		})
	}
	if !context.Bool("quiet") {
		printTable(rows)
	}
	return nil
}

func sandboxes(client *client, filter *cri.PodSandboxFilter) ([]*cri.PodSandbox, error) {
	response := &cri.ListPodSandboxResponse{}
	err := client.call("ListPodSandbox", &cri.ListPodSandboxRequest{Filter: filter}, response, about{"filter", filter})
	return response.Items, err
}

func podState(state cri.PodSandboxState) string {
	if state == cri.PodSandboxState_SANDBOX_READY {
		return "Ready"
	}
	return "NotReady"
}

var inspectPods = &cli.Command{
	Name: "inspectp", Usage: "show the status of pods", ArgsUsage: "POD-ID [POD-ID...]", UseShortOptionHandling: true,
	Flags:  inspectFlags("json|yaml|go-template|table"),
	Action: eachID("getting the pod sandbox status for", showPod),
}

func showPod(client *client, context *cli.Context, id string) error {
	if id == "" {
		return errEmptyID
	}
	verbose := !context.Bool("quiet")
	response, err := sandboxStatus(client, id, verbose)
	if err != nil {
		return err
	}
	status := response.Status
	switch format := formatOf(context); format {
	case "json", "yaml", "go-template":
		text, err := statusJSON(status, map[string]any{"createdAt": timeText(status.CreatedAt)})
		if err != nil {
			return err
		}
		return statusIn(format, context.String("template"), text, response.Info)
	case "table":
	default:
		return fmt.Errorf("output option cannot be %s", format)
	}
	fmt.Printf("ID: %s\nName: %s\nUID: %s\nNamespace: %s\nAttempt: %v\n", status.Id, status.Metadata.Name,
		status.Metadata.Uid, status.Metadata.Namespace, status.Metadata.Attempt)
	fmt.Printf("Status: %s\nCreated: %v\n", status.State, time.Unix(0, status.CreatedAt))
	if network := status.Network; network != nil {
		fmt.Printf("IP Addresses: %v\n", network.Ip)
		for _, more := range network.AdditionalIps {
			fmt.Printf("Additional IP: %v\n", more.Ip)
		}
	}
	printPairs("Labels", status.Labels)
	printPairs("Annotations", status.Annotations)
	if verbose {
		fmt.Printf("Info: %v\n", response.Info)
	}
	return nil
}

// sandboxStatus refuses a status without the fields that must be there, as kubelet's client does.
func sandboxStatus(client *client, id string, verbose bool) (*cri.PodSandboxStatusResponse, error) {
	response := &cri.PodSandboxStatusResponse{}
	request := &cri.PodSandboxStatusRequest{PodSandboxId: id, Verbose: verbose}
	if err := client.call("PodSandboxStatus", request, response); err != nil {
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
	return response, nil
}
