package cri

import (
	"context"

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
// call until it is ready, so this is also the cheapest way to wait for it.
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
