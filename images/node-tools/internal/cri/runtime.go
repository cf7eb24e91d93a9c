// Package cri talks to a runtime over its socket, without crictl, because looks and waits must be fast.
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

// patience is the timeout of one call. A runtime in a virtual machine without KVM, on a busy host, may take seconds
// to answer.
const patience = 10 * time.Second

// Runtime is the CRI service of a node. The process and the version behind the socket may change.
type Runtime struct {
	mutex      sync.Mutex
	traits     Traits
	connection *grpc.ClientConn
	// service is the service name that this runtime knows, one of two; empty until one has answered
	service string
}

// Use sets the node's runtime. Before this there is no runtime to ask.
func (r *Runtime) Use(traits Traits) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.connection != nil && r.traits.Socket != traits.Socket {
		r.connection.Close()
		r.connection, r.service = nil, ""
	}
	r.traits = traits
}

// Traits are those of the current runtime; empty if there is none.
func (r *Runtime) Traits() Traits {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.traits
}

// services are the names of the same interface: the messages are the same bytes, so one client serves both. A runtime
// of 2021 or earlier (containerd 1.5, CRI-O 1.22) knows only the older name, a current one only the newer.
var services = []string{"runtime.v1.RuntimeService", "runtime.v1alpha2.RuntimeService"}

// ofImages maps each of them to the image service beside it.
var ofImages = map[string]string{services[0]: "runtime.v1.ImageService", services[1]: "runtime.v1alpha2.ImageService"}

// Call makes one call. If the runtime has ended meanwhile, it connects again, once.
func (r *Runtime) Call(ctx context.Context, method string, request, response Message) error {
	return r.call(ctx, method, request, response, func(service string) string { return service })
}

// CallImages does the same with the image service.
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
		return nil, false, errors.New("which runtime the node has is not known")
	}
	// dialled here and not by gRPC, which would wrap a plain "connection refused" and retry by itself
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

// plain gives the two usual errors a clear message.
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

// words returns the message of the other side, without gRPC's own "rpc error: code = …".
func words(err error) string {
	if known, ok := status.FromError(err); ok {
		return known.Message()
	}
	return err.Error()
}
