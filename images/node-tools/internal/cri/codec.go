package cri

// Message is implemented by the generated types of k8s.io/cri-api.
type Message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// Codec uses the generated code of the messages. gRPC's own codec uses reflection, which takes milliseconds to
// analyse these older types. That is too slow for a program that is asked every few milliseconds.
type Codec struct{}

func (Codec) Marshal(value any) ([]byte, error)       { return value.(Message).Marshal() }
func (Codec) Unmarshal(bytes []byte, value any) error { return value.(Message).Unmarshal(bytes) }

// Name is empty, so that the content type is plain "application/grpc". CRI-O accepts no other for a call.
func (Codec) Name() string { return "" }
