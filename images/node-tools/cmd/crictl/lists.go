package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"
	"github.com/gogo/protobuf/jsonpb"
	"github.com/gogo/protobuf/proto"
	"github.com/urfave/cli/v2"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// listing is a verb that lists things as ids, as a table or as JSON.
func listing(name, usage, failure string, list func(client *client, context *cli.Context) error, more ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, UseShortOptionHandling: true,
		Flags: append(more,
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "table", Usage: "table or json"},
			boolFlag("quiet", "q", "only ids"),
		),
		Action: func(context *cli.Context) error {
			if format := context.String("output"); format != "table" && format != "json" {
				return lacking(fmt.Sprintf("output format %q", format))
			}
			client, err := runtimeClient()
			if err != nil {
				return err
			}
			if err := list(client, context); err != nil {
				return fmt.Errorf("%s: %w", failure, err)
			}
			return nil
		},
	}
}

var listPods = listing("pods", "list pods", "listing pod sandboxes", func(client *client, context *cli.Context) error {
	response, filter := &cri.ListPodSandboxResponse{}, &cri.PodSandboxFilter{}
	request := &cri.ListPodSandboxRequest{Filter: filter}
	if err := client.call("ListPodSandbox", request, response, about{"filter", filter}); err != nil {
		return err
	}
	pods := newestFirst(response.Items)
	if context.String("output") == "json" {
		return printJSON(&cri.ListPodSandboxResponse{Items: pods})
	}
	rows := [][]string{{"POD ID", "CREATED", "STATE", "NAME", "NAMESPACE", "ATTEMPT", "RUNTIME"}}
	for _, pod := range pods {
		handler, state := pod.RuntimeHandler, "NotReady"
		if handler == "" {
			handler = "(default)"
		}
		if pod.State == cri.PodSandboxState_SANDBOX_READY {
			state = "Ready"
		}
		rows = append(rows, []string{
			pod.Id, age(pod.CreatedAt), state, pod.Metadata.Name, pod.Metadata.Namespace, fmt.Sprint(pod.Metadata.Attempt), handler,
		})
	}
	printRows(rows, context.Bool("quiet"))
	return nil
})

var listContainers = listing("ps", "list containers", "listing containers", func(client *client, context *cli.Context) error {
	filter := &cri.ContainerFilter{}
	if !context.Bool("all") {
		filter.State = &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING}
	}
	request, response := &cri.ListContainersRequest{Filter: filter}, &cri.ListContainersResponse{}
	if err := client.call("ListContainers", request, response, about{"filter", filter}); err != nil {
		return err
	}
	containers := newestFirst(response.Containers)
	if context.String("output") == "json" {
		return printJSON(&cri.ListContainersResponse{Containers: containers})
	}
	rows := [][]string{{"CONTAINER", "IMAGE", "CREATED", "STATE", "NAME", "ATTEMPT", "POD ID", "POD"}}
	for _, container := range containers {
		image := container.Image.Image
		if strings.HasPrefix(image, "sha256:") {
			image = shortID(image)
		}
		podName, known := container.Labels["io.kubernetes.pod.name"]
		if !known {
			podName = "unknown"
		}
		state := strings.ToLower(strings.TrimPrefix(container.State.String(), "CONTAINER_"))
		rows = append(rows, []string{
			container.Id, image, age(container.CreatedAt), strings.ToUpper(state[:1]) + state[1:], container.Metadata.Name,
			fmt.Sprint(container.Metadata.Attempt), shortID(container.PodSandboxId), podName,
		})
	}
	printRows(rows, context.Bool("quiet"))
	return nil
}, boolFlag("all", "a", "those that do not run as well"))

var runtimeInfo = &cli.Command{
	Name: "info", Usage: "show the runtime's status as JSON", UseShortOptionHandling: true,
	Flags: []cli.Flag{boolFlag("quiet", "q", "without the runtime's own information")},
	Action: func(context *cli.Context) error {
		client, err := runtimeClient()
		if err != nil {
			return err
		}
		if err := showInfo(client, !context.Bool("quiet")); err != nil {
			return fmt.Errorf("getting status of runtime: %w", err)
		}
		return nil
	},
}

func showInfo(client *client, verbose bool) error {
	response := &cri.StatusResponse{}
	if err := client.call("Status", &cri.StatusRequest{Verbose: verbose}, response); err != nil {
		return err
	}
	if len(response.GetStatus().GetConditions()) < 2 {
		return errors.New("RuntimeReady or NetworkReady condition are not set")
	}
	text, err := asJSON(response.Status)
	if err != nil {
		return err
	}
	text = `{"status":` + text
	for _, name := range sortedKeys(response.Info) {
		value := response.Info[name]
		if !json.Valid([]byte(value)) {
			value = `"` + value + `"`
		}
		text += `,"` + name + `":` + value
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(text+"}"), "", "  "); err != nil {
		return err
	}
	fmt.Println(indented.String())
	return nil
}

func newestFirst[T interface{ GetCreatedAt() int64 }](listed []T) []T {
	sort.Slice(listed, func(a, b int) bool { return listed[a].GetCreatedAt() > listed[b].GetCreatedAt() })
	return listed
}

func printJSON(message proto.Message) error {
	text, err := asJSON(message)
	if err == nil {
		fmt.Println(text)
	}
	return err
}

func asJSON(message proto.Message) (string, error) {
	return (&jsonpb.Marshaler{EmitDefaults: true, Indent: "  "}).MarshalToString(message)
}

// printRows prints a table as crictl does, with cells at least 20 wide and at least 3 spaces between them. Or it
// prints only the full ids, which are in the first column.
func printRows(rows [][]string, onlyIDs bool) {
	table := tabwriter.NewWriter(os.Stdout, 20, 1, 3, ' ', 0)
	for i, row := range rows {
		switch {
		case !onlyIDs && i == 0:
			fmt.Fprintln(table, strings.Join(row, "\t"))
		case !onlyIDs:
			fmt.Fprintln(table, shortID(row[0])+"\t"+strings.Join(row[1:], "\t"))
		case i > 0:
			fmt.Println(row[0])
		}
	}
	table.Flush()
}

func sortedKeys(of map[string]string) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// shortID shortens an id for a table.
func shortID(id string) string {
	if id = strings.TrimPrefix(id, "sha256:"); len(id) > 13 {
		return id[:13]
	}
	return id
}

func age(nanoseconds int64) string {
	return units.HumanDuration(time.Since(time.Unix(0, nanoseconds))) + " ago"
}
