module cnilab/node-tools

go 1.22

require (
	github.com/gogo/protobuf v1.3.2
	golang.org/x/sys v0.21.0
	google.golang.org/grpc v1.56.3
	k8s.io/cri-api v0.25.3
)

require (
	github.com/golang/protobuf v1.5.3 // indirect
	golang.org/x/net v0.9.0 // indirect
	golang.org/x/text v0.9.0 // indirect
	google.golang.org/genproto v0.0.0-20230410155749-daa745c078e1 // indirect
	google.golang.org/protobuf v1.30.0 // indirect
)
