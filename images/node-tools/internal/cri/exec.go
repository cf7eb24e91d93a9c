package cri

import (
	"context"
	"errors"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Exec runs a command in a container to its end. An error is the runtime's own message that it did not run the
// command.
func (r *Runtime) Exec(container string, argv []string) (stdout, stderr []byte, exitCode int, err error) {
	request := &runtime.ExecSyncRequest{ContainerId: container, Cmd: argv}
	response := runtime.ExecSyncResponse{}
	if err := r.Call(context.Background(), "ExecSync", request, &response); err != nil {
		return nil, nil, 0, errors.New(words(err))
	}
	return response.GetStdout(), response.GetStderr(), int(response.GetExitCode()), nil
}
