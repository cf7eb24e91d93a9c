// Package cri asks a runtime over its socket, without crictl: a look and a wait must cost next to nothing.
package cri

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// patience is for one call. A runtime that says nothing for so long does not answer; one in a virtual machine without
// KVM, on a busy host, may take seconds.
const patience = 10 * time.Second

// Runtime is the CRI service of a node, whichever process and version is behind the socket at the moment.
type Runtime struct {
	mutex      sync.Mutex
	traits     Traits
	connection *grpc.ClientConn
	// service is the one of the two names that this runtime knows; empty until one has answered
	service string
}

// Use says which runtime the node has; before it there is none to ask.
func (r *Runtime) Use(traits Traits) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.connection != nil && r.traits.Socket != traits.Socket {
		r.connection.Close()
		r.connection, r.service = nil, ""
	}
	r.traits = traits
}

// Traits are those of the runtime that is in use; empty before one is.
func (r *Runtime) Traits() Traits {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.traits
}

// services are the names of one and the same interface: the messages are the same bytes, so one client serves both.
// A runtime of 2021 and before (containerd 1.5, CRI-O 1.22) knows the older only, one of today the newer only.
var services = []string{"runtime.v1.RuntimeService", "runtime.v1alpha2.RuntimeService"}

// ofImages are the names of the service beside each of them.
var ofImages = map[string]string{services[0]: "runtime.v1.ImageService", services[1]: "runtime.v1alpha2.ImageService"}

// Call makes one call. A connection to a runtime that has ended meanwhile is replaced once.
func (r *Runtime) Call(ctx context.Context, method string, request, response Message) error {
	return r.call(ctx, method, request, response, func(service string) string { return service })
}

// CallImages does the same with the service of images.
func (r *Runtime) CallImages(ctx context.Context, method string, request, response Message) error {
	return r.call(ctx, method, request, response, func(service string) string { return ofImages[service] })
}

func (r *Runtime) call(ctx context.Context, method string, request, response Message, serviceOf func(string) string) error {
	connection, reused, err := r.connect(ctx)
	if err != nil {
		return err
	}
	err = r.invoke(ctx, connection, method, request, response, serviceOf)
	if status.Code(err) == codes.Unavailable && reused {
		r.forget(connection)
		if connection, _, err = r.connect(ctx); err != nil {
			return err
		}
		err = r.invoke(ctx, connection, method, request, response, serviceOf)
	}
	return err
}

func (r *Runtime) invoke(ctx context.Context, connection *grpc.ClientConn, method string, request, response Message, serviceOf func(string) string) error {
	r.mutex.Lock()
	names := services
	if r.service != "" {
		names = []string{r.service}
	}
	r.mutex.Unlock()
	var err error
	for _, name := range names {
		err = connection.Invoke(ctx, "/"+serviceOf(name)+"/"+method, request, response, grpc.ForceCodec(Codec{}))
		if status.Code(err) != codes.Unimplemented {
			if err == nil {
				r.mutex.Lock()
				r.service = name
				r.mutex.Unlock()
			}
			return err
		}
	}
	return err
}

func (r *Runtime) connect(ctx context.Context) (connection *grpc.ClientConn, reused bool, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.connection != nil {
		if r.connection.GetState() == connectivity.Ready {
			return r.connection, true, nil
		}
		r.connection.Close()
		r.connection, r.service = nil, ""
	}
	path := r.traits.Socket
	if path == "" {
		return nil, false, errors.New("which runtime the node has was not said")
	}
	// dialled here and not by gRPC, which would wrap a plain "connection refused" and try again by itself
	socket, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, false, plain(path, err)
	}
	var once sync.Once
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		var first net.Conn
		once.Do(func() { first = socket })
		if first != nil {
			return first, nil
		}
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	r.connection, err = grpc.DialContext(ctx, "passthrough:///runtime", grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))
	return r.connection, false, err
}

func (r *Runtime) forget(connection *grpc.ClientConn) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.connection == connection {
		r.connection.Close()
		r.connection, r.service = nil, ""
	}
}

// plain words the two usual reasons as people know them.
func plain(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s: no such file or directory", path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: connection refused", path)
	default:
		return err
	}
}

// words are those of the other side, without gRPC's own "rpc error: code = …".
func words(err error) string {
	if known, ok := status.FromError(err); ok {
		return known.Message()
	}
	return err.Error()
}
