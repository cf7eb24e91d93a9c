package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"

	"cnilab/node-tools/internal/confine"
	"cnilab/node-tools/internal/launcher"
	"cnilab/node-tools/internal/root"
	"cnilab/node-tools/internal/segment"
	"cnilab/node-tools/internal/serve"

	"golang.org/x/sys/unix"
)

// initNode is the first process of a node: it makes the node around itself and then does what the lab asks. A
// launcher on the host or a container engine has already made its namespaces, except for those of startAgain.
func initNode(args []string) error {
	options := root.Options{}
	var name string
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	flags.StringVar(&name, "name", "", "")
	flags.StringVar(&options.Artifacts, "artifacts", "", "")
	flags.StringVar(&options.Staging, "staging", "", "")
	flags.Int64Var(&options.TmpfsBytes, "tmpfs-bytes", 0, "what each file system of the node may hold; 0 for half of the memory")
	keepPipeNumber := flags.Int("keep-pipe", -1, "descriptor on which the node informs its launcher that it is kept; in a container there is none")
	unfiltered := flags.Bool(confine.Unfiltered, false, "without the filter of system calls")
	member := flags.String("member", "", "in a group: the node's place in it, as JSON; the process is started in the group's network namespace")
	startedAgain := flags.Bool("started-again", false, "the process has the namespaces that nobody has made for it")
	systemd := flags.Bool("systemd", false, "the first process becomes systemd, and this program runs beside it")
	madeFor := flags.Int("made-for", -1, "descriptor on which this program tells the first process that the node is made")
	ofKind := flags.Bool("of-kind", false, "kind has started the container: the name and the network are the container's, and the lab connects later")
	segmentNumber := flags.Int("segment", -1, "descriptor of the group's network namespace, once the node has one of its own")
	flags.Func("layer", "", func(tree string) error {
		options.Layers = append(options.Layers, tree)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	inContainer, inGroup := *keepPipeNumber < 0, *member != ""
	if (inContainer || inGroup) && !*startedAgain {
		return startAgain(inGroup)
	}
	if *systemd && *madeFor < 0 {
		return handOver(args, *segmentNumber, !*unfiltered)
	}
	runtime.UnlockOSThread()
	place, err := placeInGroup(*member)
	if err != nil {
		return err
	}
	var keepPipe *os.File
	if *keepPipeNumber >= 0 {
		unix.CloseOnExec(*keepPipeNumber)
		keepPipe = os.NewFile(uintptr(*keepPipeNumber), "keep pipe")
	}
	unix.Umask(0o022)
	if *ofKind {
		if name, err = os.Hostname(); err != nil {
			return err
		}
	}
	if err := root.Build(options); err != nil {
		return err
	}
	if err := root.Identify(root.Identity{Name: name, Hosts: place.Hosts}, root.Identity{}); err != nil {
		return err
	}
	if err := root.Network(); err != nil {
		return err
	}
	var devices []root.EngineDevice
	if *ofKind {
		if err := root.WithoutWayOut(); err != nil {
			return err
		}
		if devices, err = root.EngineDevices(); err != nil {
			return err
		}
	}
	var connect func() error
	if *segmentNumber >= 0 {
		connect = func() error { return place.Connect(*segmentNumber) }
		if err := connect(); err != nil {
			return err
		}
	}
	raiseLimits()
	if err := confine.Self(!*unfiltered); err != nil {
		return err
	}
	if *systemd {
		if err := startSystemd(*madeFor); err != nil {
			return err
		}
	}
	go endOnRequest()
	served := serve.Options{
		In: os.Stdin, Out: os.Stdout, KeepPipe: keepPipe, Connect: connect, Systemd: *systemd, Devices: devices,
		LetGo: func() { _ = launcher.LetGoOf(0, 1, 2) },
	}
	if *ofKind {
		lab, link, err := awaitLab()
		if err != nil {
			return err
		}
		served.In, served.Out, served.Link, served.Announce = lab, lab, link, announceBoot
	}
	return serve.Run(served)
}

// startAgain runs this program again, with all its threads in a cgroup namespace of its own. Not every engine makes
// one. Without it, the cgroups of the node's pods are the host's and remain when the node is killed. A node of a
// group also leaves the group's network namespace, but keeps it open. The calling thread must be the first of the
// process: that keeps Pdeathsig.
func startAgain(inGroup bool) error {
	more, namespaces := []string{"--started-again"}, unix.CLONE_NEWCGROUP
	if inGroup {
		network, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY, 0) // to be inherited
		if err != nil {
			return err
		}
		more, namespaces = append(more, "--segment", strconv.Itoa(network)), namespaces|unix.CLONE_NEWNET
	}
	if err := unix.Unshare(namespaces); err != nil {
		return fmt.Errorf("could not make namespaces: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return unix.Exec(self, append(append([]string{}, os.Args...), more...), os.Environ())
}

// placeInGroup reads the node's place in its group. It is empty for a single node.
func placeInGroup(text string) (place segment.Member, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &place)
	}
	return place, err
}

// raiseLimits gives the node the limits of a containerd service, if this host allows it. Without CAP_SYS_RESOURCE a
// hard limit cannot be raised.
func raiseLimits() {
	for _, limit := range []struct {
		resource int
		value    uint64
	}{{unix.RLIMIT_NOFILE, 1 << 20}, {unix.RLIMIT_NPROC, unix.RLIM_INFINITY}, {unix.RLIMIT_CORE, unix.RLIM_INFINITY}} {
		_ = unix.Setrlimit(limit.resource, &unix.Rlimit{Cur: limit.value, Max: limit.value})
	}
}

// exitAfterTerm is the exit code after a SIGTERM, which container engines send to stop a container.
const exitAfterTerm = 128 + int(unix.SIGTERM)

func endOnRequest() {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, unix.SIGTERM)
	<-terminated
	os.Exit(exitAfterTerm)
}
