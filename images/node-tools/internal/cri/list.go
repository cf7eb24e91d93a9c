package cri

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Sandbox is what CRI reports about one pod sandbox.
type Sandbox struct {
	ID, State, PodName, PodNamespace, PodUID, NetnsPath string
	// Attempt counts the sandboxes of one pod, as kubelet does
	Attempt uint32
	// CreatedAt is in nanoseconds, as the runtime reports it
	CreatedAt int64
	// IPs are in CRI's order
	IPs []string
}

// Container is what CRI reports about one container.
type Container struct {
	ID, State, Name, SandboxID string
	// Attempt counts the containers of one name, as kubelet does
	Attempt uint32
	// CreatedAt is in nanoseconds, as the runtime reports it
	CreatedAt int64
	// ExitCode, Reason and Message are those of a container that has exited
	ExitCode        int32
	Reason, Message string
	// LogPath is empty if the container has no log
	LogPath string
}

// List returns all sandboxes and containers, in any state.
func (r *Runtime) List() ([]Sandbox, []Container, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pods, containers := runtime.ListPodSandboxResponse{}, runtime.ListContainersResponse{}
	if err := r.Call(ctx, "ListPodSandbox", &runtime.ListPodSandboxRequest{}, &pods); err != nil {
		return nil, nil, errors.New(words(err))
	}
	if err := r.Call(ctx, "ListContainers", &runtime.ListContainersRequest{}, &containers); err != nil {
		return nil, nil, errors.New(words(err))
	}
	sandboxes := make([]Sandbox, len(pods.GetItems()))
	list := make([]Container, len(containers.GetContainers()))
	failures := make([]error, len(sandboxes)+len(list))
	var all sync.WaitGroup
	for i, item := range pods.GetItems() {
		all.Add(1)
		go func(i int, item *runtime.PodSandbox) {
			defer all.Done()
			sandboxes[i], failures[i] = r.sandbox(ctx, item)
		}(i, item)
	}
	for i, item := range containers.GetContainers() {
		all.Add(1)
		go func(i int, item *runtime.Container) {
			defer all.Done()
			list[i], failures[len(sandboxes)+i] = r.container(ctx, item)
		}(i, item)
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, nil, err
	}
	return sandboxes, list, nil
}

// container adds what only the status of one container has: how it ended, and where its log is. The state is from the
// same answer, because the container may have exited since the list was made.
func (r *Runtime) container(ctx context.Context, item *runtime.Container) (Container, error) {
	metadata := item.GetMetadata()
	found := Container{
		ID: item.GetId(), Name: metadata.GetName(), SandboxID: item.GetPodSandboxId(), Attempt: metadata.GetAttempt(),
		CreatedAt: item.GetCreatedAt(),
	}
	response := runtime.ContainerStatusResponse{}
	request := &runtime.ContainerStatusRequest{ContainerId: item.GetId()}
	if err := r.Call(ctx, "ContainerStatus", request, &response); err != nil {
		return found, errors.New("container " + item.GetId() + ": " + words(err))
	}
	status := response.GetStatus()
	found.State = strings.ToLower(strings.TrimPrefix(status.GetState().String(), "CONTAINER_"))
	found.ExitCode, found.Reason, found.Message = status.GetExitCode(), status.GetReason(), status.GetMessage()
	found.LogPath = status.GetLogPath()
	return found, nil
}

// sandbox adds what only the status of one sandbox has: its addresses and its network namespace.
func (r *Runtime) sandbox(ctx context.Context, item *runtime.PodSandbox) (Sandbox, error) {
	metadata := item.GetMetadata()
	found := Sandbox{
		ID: item.GetId(), State: "not-ready", PodName: metadata.GetName(), PodNamespace: metadata.GetNamespace(),
		PodUID: metadata.GetUid(), Attempt: metadata.GetAttempt(), CreatedAt: item.GetCreatedAt(),
	}
	if item.GetState() == runtime.PodSandboxState_SANDBOX_READY {
		found.State = "ready"
	}
	response := runtime.PodSandboxStatusResponse{}
	request := &runtime.PodSandboxStatusRequest{PodSandboxId: item.GetId(), Verbose: true}
	if err := r.Call(ctx, "PodSandboxStatus", request, &response); err != nil {
		return found, errors.New("sandbox " + item.GetId() + ": " + words(err))
	}
	network := response.GetStatus().GetNetwork()
	if network.GetIp() != "" {
		found.IPs = append(found.IPs, network.GetIp())
	}
	for _, more := range network.GetAdditionalIps() {
		found.IPs = append(found.IPs, more.GetIp())
	}
	found.NetnsPath = netnsPath(response.GetInfo(), r.Traits().Namespaces)
	return found, nil
}

// netnsPath reads the path from a runtime's verbose information, where the OCI spec of the sandbox lists its
// namespaces. `way` leads to that list. The result is empty if there is none.
func netnsPath(info map[string]string, way []string) string {
	if len(way) == 0 {
		return ""
	}
	value := json.RawMessage(info[way[0]])
	for _, key := range way[1:] {
		var table map[string]json.RawMessage
		if json.Unmarshal(value, &table) != nil {
			return ""
		}
		value = table[key]
	}
	var namespaces []struct{ Type, Path string }
	if json.Unmarshal(value, &namespaces) != nil {
		return ""
	}
	for _, namespace := range namespaces {
		if namespace.Type == "network" {
			return namespace.Path
		}
	}
	return ""
}
