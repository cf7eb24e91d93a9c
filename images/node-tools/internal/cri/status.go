package cri

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Status is RuntimeStatus of lab/nodes/node.ts.
type Status struct {
	Answered       bool   `json:"answered"`
	RuntimeVersion string `json:"runtimeVersion,omitempty"`
	RuntimeReady   bool   `json:"runtimeReady"`
	NetworkReady   bool   `json:"networkReady"`
	NetworkReason  string `json:"networkReason"`
	NetworkMessage string `json:"networkMessage"`
	Why            string `json:"why,omitempty"`
}

// Status asks for the version and the conditions. A runtime that has opened its socket and is still loading holds the
// call until it is ready. So this is also the cheapest way to wait for it.
func (r *Runtime) Status() Status {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	version, conditions := runtime.VersionResponse{}, runtime.StatusResponse{}
	if err := r.Call(ctx, "Version", &runtime.VersionRequest{}, &version); err != nil {
		return Status{Why: words(err)}
	}
	if err := r.Call(ctx, "Status", &runtime.StatusRequest{}, &conditions); err != nil {
		return Status{Why: words(err)}
	}
	answer := Status{Answered: true, RuntimeVersion: version.GetRuntimeVersion()}
	for _, condition := range conditions.GetStatus().GetConditions() {
		switch condition.GetType() {
		case runtime.RuntimeReady:
			answer.RuntimeReady = condition.GetStatus()
		case runtime.NetworkReady:
			answer.NetworkReady = condition.GetStatus()
			answer.NetworkReason = condition.GetReason()
			answer.NetworkMessage = condition.GetMessage()
		}
	}
	return answer
}

// SandboxConfig and ContainerConfig return the config of a sandbox or a container as the runtime stored it, from its
// verbose status. Fields that the runtime does not know are missing.
func (r *Runtime) SandboxConfig(id string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	response := runtime.PodSandboxStatusResponse{}
	request := &runtime.PodSandboxStatusRequest{PodSandboxId: id, Verbose: true}
	if err := r.Call(ctx, "PodSandboxStatus", request, &response); err != nil {
		return nil, errors.New(words(err))
	}
	return configOf(response.GetInfo())
}

func (r *Runtime) ContainerConfig(id string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	response := runtime.ContainerStatusResponse{}
	request := &runtime.ContainerStatusRequest{ContainerId: id, Verbose: true}
	if err := r.Call(ctx, "ContainerStatus", request, &response); err != nil {
		return nil, errors.New(words(err))
	}
	return configOf(response.GetInfo())
}

func configOf(info map[string]string) (json.RawMessage, error) {
	var table struct{ Config json.RawMessage }
	if err := json.Unmarshal([]byte(info["info"]), &table); err != nil {
		return nil, fmt.Errorf("the verbose status is not JSON: %w", err)
	}
	if len(table.Config) == 0 || string(table.Config) == "null" {
		return nil, errors.New("the verbose status has no config")
	}
	return table.Config, nil
}
