package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	runtime "cnilab/node-tools/internal/cri"
)

// client is one of CRI's two services at one socket. The messages of v1 and v1alpha2 are the same bytes, so that only
// the service's name tells them apart.
type client struct {
	connection *grpc.ClientConn
	// RuntimeService or ImageService
	service string
	// v1 or v1alpha2
	api     string
	timeout time.Duration
}

// defaultEndpoints are tried in turn when nobody named one.
var defaultEndpoints = []string{
	"unix:///var/run/dockershim.sock", "unix:///run/containerd/containerd.sock", "unix:///run/crio/crio.sock",
	"unix:///var/run/cri-dockerd.sock",
}

// runtimeClient finds the runtime service. A timeout other than 0 takes the place of the one that was set.
func runtimeClient(timeout time.Duration) (*client, error) {
	if settings.runtimeIsSet && settings.runtimeEndpoint == "" {
		return nil, fmt.Errorf("--runtime-endpoint is not set")
	}
	if timeout == 0 {
		timeout = settings.timeout
	}
	logrus.Debug("get runtime connection")
	return connectToFirst("runtime", settings.runtimeEndpoint, settings.runtimeIsSet, timeout)
}

// imageClient finds the image service: where it was said to be, or where the runtime is.
func imageClient() (*client, error) {
	endpoint, isSet := settings.imageEndpoint, settings.imageIsSet
	if endpoint == "" {
		endpoint, isSet = settings.runtimeEndpoint, settings.runtimeIsSet
		if isSet && endpoint == "" {
			return nil, fmt.Errorf("--image-endpoint is not set")
		}
	}
	logrus.Debugf("get image connection")
	return connectToFirst("image", endpoint, isSet, settings.timeout)
}

func connectToFirst(kind, endpoint string, isSet bool, timeout time.Duration) (found *client, err error) {
	if isSet {
		return connect(kind, endpoint, timeout)
	}
	logrus.Warningf("%s connect using default endpoints: %v. As the default settings are now deprecated, you should set "+
		"the endpoint instead.", kind, defaultEndpoints)
	for _, candidate := range defaultEndpoints {
		if found, err = connect(kind, candidate, timeout); err == nil {
			return found, nil
		}
		logrus.Error(err)
	}
	return nil, err
}

// connect opens the socket and asks which of the two APIs is there: with the cheapest call of v1, and if that is not
// implemented it is v1alpha2, which is then called without asking.
func connect(kind, endpoint string, timeout time.Duration) (*client, error) {
	path, err := socketPath(endpoint)
	if err != nil {
		return nil, err
	}
	found := &client{api: "v1", timeout: timeout}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if found.connection, err = dial(ctx, path); err == nil {
		if kind == "image" {
			found.service = "ImageService"
			err = found.invoke(ctx, "ImageFsInfo", &cri.ImageFsInfoRequest{}, &cri.ImageFsInfoResponse{})
		} else {
			found.service = "RuntimeService"
			err = found.invoke(ctx, "Version", &cri.VersionRequest{}, &cri.VersionResponse{})
		}
	}
	switch {
	case err == nil:
	case status.Code(err) == codes.Unimplemented:
		found.api = "v1alpha2"
	default:
		return nil, fmt.Errorf("unable to determine %s API version: %w", kind, err)
	}
	return found, nil
}

func socketPath(endpoint string) (string, error) {
	parsed, err := url.Parse(endpoint)
	if err == nil && parsed.Scheme == "" {
		full := "unix://" + endpoint
		if parsed, err = url.Parse(full); err == nil {
			note("util_unix.go:104", "Using this endpoint is deprecated, please consider using full URL format",
				about{"endpoint", endpoint}, about{"URL", full})
		}
	}
	switch {
	case err != nil:
		return "", err
	case parsed.Scheme == "unix":
		return parsed.Path, nil
	case parsed.Scheme == "tcp":
		return "", fmt.Errorf("only support unix socket endpoint")
	default:
		return "", fmt.Errorf("protocol %q not supported", parsed.Scheme)
	}
}

// dial opens the socket before gRPC comes in, which saves a change of its state machine and, in a newer gRPC than that of
// crictl 1.25.0, keeps the words for a socket where nobody listens.
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
	logrus.Debugf("%sRequest: %v", method, request)
	err := c.connection.Invoke(ctx, "/runtime."+c.api+"."+c.service+"/"+method, request, response)
	logrus.Debugf("%sResponse: %v", method, response)
	return err
}
