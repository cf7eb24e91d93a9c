package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	runtime "cnilab/node-tools/internal/cri"
)

const v1alpha2 = "v1alpha2"

// client is the runtime service at one socket. The messages of v1 and v1alpha2 are the same bytes, so the types of v1
// also work for v1alpha2.
type client struct {
	connection *grpc.ClientConn
	timeout    time.Duration
}

// runtimeClient opens the configured socket and asks for v1 first, as crictl 1.25.0 does. This crictl does not
// support a runtime with v1 and without v1alpha2. A runtime with neither fails at the call that follows.
func runtimeClient() (*client, error) {
	if settings.endpoint == "" {
		return nil, lacking("default endpoints")
	}
	path, err := socketPath(settings.endpoint)
	if err != nil {
		return nil, err
	}
	found := &client{timeout: settings.timeout}
	ctx, cancel := context.WithTimeout(context.Background(), settings.timeout)
	defer cancel()
	if found.connection, err = dial(ctx, path); err == nil {
		err = found.askVersion(ctx, "v1")
	}
	switch {
	case err == nil && status.Code(found.askVersion(ctx, v1alpha2)) == codes.Unimplemented:
		return nil, lacking("CRI v1")
	case err == nil, status.Code(err) == codes.Unimplemented:
		return found, nil
	default:
		return nil, fmt.Errorf("unable to determine runtime API version: %w", err)
	}
}

func socketPath(endpoint string) (string, error) {
	parsed, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return "", err
	case parsed.Scheme == "unix":
		return parsed.Path, nil
	default:
		return "", lacking(fmt.Sprintf("endpoints of the kind %q", endpoint))
	}
}

// dial opens the socket before gRPC is involved. This saves a state change of gRPC. Newer versions of gRPC than
// crictl 1.25.0's would also change the error message for a socket on which nobody listens.
func dial(ctx context.Context, path string) (*grpc.ClientConn, error) {
	socket, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "connection error: desc = %q", "transport: Error while dialing "+err.Error())
	}
	var once sync.Once
	return grpc.DialContext(ctx, "passthrough:///"+path,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority("localhost"),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(runtime.Codec{}), grpc.MaxCallRecvMsgSize(16<<20)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (first net.Conn, err error) {
			once.Do(func() { first = socket })
			if first != nil {
				return first, nil
			}
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}))
}

func (c *client) invoke(ctx context.Context, method string, request, response runtime.Message) error {
	return c.connection.Invoke(ctx, "/runtime."+v1alpha2+".RuntimeService/"+method, request, response)
}

func (c *client) askVersion(ctx context.Context, api string) error {
	return c.connection.Invoke(ctx, "/runtime."+api+".RuntimeService/Version", &cri.VersionRequest{}, &cri.VersionResponse{})
}
