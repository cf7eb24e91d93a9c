package cri

import (
	"context"
	"errors"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Pull makes the runtime pull an image by its name.
func (r *Runtime) Pull(name string) error {
	request := &runtime.PullImageRequest{Image: &runtime.ImageSpec{Image: name}}
	err := r.CallImages(context.Background(), "PullImage", request, &runtime.PullImageResponse{})
	if err != nil {
		return errors.New(name + ": " + words(err))
	}
	return nil
}
