// Package client replaces the client of conmon-rs, so that CRI-O 1.24 can be built: the module's version of May 2022
// is not available. CRI-O uses it only for handlers with `runtime_type = "pod"`. They do not start with this
// replacement.
package client

import (
	"context"
	"errors"
	"io"
)

var errNotBuilt = errors.New("this build of CRI-O has no client of conmon-rs, which a runtime of type pod needs")

type ConmonClient struct{}

type ConmonServerConfig struct {
	ConmonServerPath, LogLevel, Runtime, ServerRunDir, RuntimeRoot string
}

func New(*ConmonServerConfig) (*ConmonClient, error) { return nil, errNotBuilt }

type VersionResponse struct {
	Version, Tag, Commit, BuildDate, RustVersion string
	ProcessID                                    uint32
}

func (*ConmonClient) Version(context.Context) (*VersionResponse, error) { return nil, errNotBuilt }

const LogDriverTypeContainerRuntimeInterface = 0

type LogDriver struct {
	Type int
	Path string
}

type CreateContainerConfig struct {
	ID, BundlePath          string
	Terminal                bool
	ExitPaths, OOMExitPaths []string
	LogDrivers              []LogDriver
}

type CreateContainerResponse struct{ PID uint32 }

func (*ConmonClient) CreateContainer(context.Context, *CreateContainerConfig) (*CreateContainerResponse, error) {
	return nil, errNotBuilt
}

type ExecSyncConfig struct {
	ID       string
	Command  []string
	Timeout  uint64
	Terminal bool
}

type ExecContainerResult struct {
	ExitCode       int32
	Stdout, Stderr []byte
	TimedOut       bool
}

func (*ConmonClient) ExecSyncContainer(context.Context, *ExecSyncConfig) (*ExecContainerResult, error) {
	return nil, errNotBuilt
}

type In struct{ io.Reader }

type Out struct{ io.WriteCloser }

type AttachStreams struct {
	Stdin          *In
	Stdout, Stderr *Out
}

type AttachConfig struct {
	ID, SocketPath         string
	Tty, StopAfterStdinEOF bool
	// Resize is a channel of Podman's type for terminal sizes.
	Resize  any
	Streams AttachStreams
}

func (*ConmonClient) AttachContainer(context.Context, *AttachConfig) error { return errNotBuilt }

type ReopenLogContainerConfig struct{ ID string }

func (*ConmonClient) ReopenLogContainer(context.Context, *ReopenLogContainerConfig) error {
	return errNotBuilt
}

func (*ConmonClient) Shutdown() error { return nil }
