package cri

// message is what k8s.io/cri-api's generated types can do for themselves.
type message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// codec uses the generated code of the messages. gRPC's own goes through reflection, which for these older types first
// has to work out their shape: milliseconds, in a program that is asked every few of them.
type codec struct{}

func (codec) Marshal(value any) ([]byte, error)       { return value.(message).Marshal() }
func (codec) Unmarshal(bytes []byte, value any) error { return value.(message).Unmarshal(bytes) }
func (codec) Name() string                            { return "proto" }
