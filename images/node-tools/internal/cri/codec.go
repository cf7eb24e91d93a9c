package cri

// Message is what k8s.io/cri-api's generated types can do for themselves.
type Message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// Codec uses the generated code of the messages. gRPC's own goes through reflection, which for these older types first
// has to work out their shape: milliseconds, in a program that is asked every few of them.
type Codec struct{}

func (Codec) Marshal(value any) ([]byte, error)       { return value.(Message).Marshal() }
func (Codec) Unmarshal(bytes []byte, value any) error { return value.(Message).Unmarshal(bytes) }

// Name is empty, so that the content type is plain "application/grpc": CRI-O takes nothing else for a call.
func (Codec) Name() string { return "" }
