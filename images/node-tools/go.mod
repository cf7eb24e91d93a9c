module cnilab/node-tools

go 1.22

require (
	github.com/containernetworking/cni v1.3.0
	github.com/docker/go-units v0.5.0
	github.com/gogo/protobuf v1.3.2
	github.com/moby/sys/capability v0.4.0
	github.com/sirupsen/logrus v1.9.3
	github.com/urfave/cli/v2 v2.11.2
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	golang.org/x/sys v0.23.0
	google.golang.org/grpc v1.56.3
	gopkg.in/yaml.v3 v3.0.1
	k8s.io/cri-api v0.25.3
)

require (
	github.com/cpuguy83/go-md2man/v2 v2.0.2 // indirect
	github.com/golang/protobuf v1.5.3 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	github.com/xrash/smetrics v0.0.0-20201216005158-039620a65673 // indirect
	golang.org/x/net v0.28.0 // indirect
	golang.org/x/text v0.17.0 // indirect
	google.golang.org/genproto v0.0.0-20230410155749-daa745c078e1 // indirect
	google.golang.org/protobuf v1.30.0 // indirect
)
