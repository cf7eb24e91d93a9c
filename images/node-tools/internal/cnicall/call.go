// Package cnicall calls CNI plugins on a node as a runtime does. It calls a whole network configuration through
// libcni, with libcni's order, messages and cached results. Or it calls one plugin, whose output and exit code are
// passed on unchanged.
package cnicall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// CouldNotTry is the exit code if no plugin was called, for a reason that is the lab's own. It is EX_UNAVAILABLE.
const CouldNotTry = 69

// Verbs are the CNI verbs, in the order of the specification.
var Verbs = []string{"add", "del", "check", "gc", "version", "status"}

type request struct {
	verb         string
	plugin       string
	network      string
	folder       string
	config       []byte
	netns        string
	containerID  string
	ifname       string
	args         string
	capabilities map[string]any
	path         []string
	keep         []types.GCAttachment
}

// Main runs `agent cni VERB` and `agent cni replay CALL`.
func Main(args []string) error {
	if len(args) == 2 && args[0] == "replay" {
		return replay(args[1])
	}
	r, err := read(args)
	if err == nil && r.makesNetns() {
		r.netns, err = makeNetns(r.netns)
	}
	if err != nil {
		cannotTry(err)
	}
	if r.plugin != "" {
		return r.callPlugin()
	}
	return r.callNetwork()
}

func cannotTry(err error) {
	fmt.Fprintln(os.Stderr, "agent cni:", err) // this prefix lets the lab tell it from a plugin that exits with the same code
	os.Exit(CouldNotTry)
}

func read(args []string) (request, error) {
	if len(args) == 0 || !slices.Contains(Verbs, args[0]) {
		return request{}, fmt.Errorf("agent cni needs one of %s", strings.Join(Verbs, ", "))
	}
	r := request{verb: args[0], capabilities: map[string]any{}}
	flags := flag.NewFlagSet("cni", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&r.plugin, "plugin", "", "call this one alone, and pass on what it prints")
	flags.StringVar(&r.network, "network", "", "file in the folder of configurations; default: the first by name, as runtimes take it")
	flags.StringVar(&r.folder, "config-dir", "/etc/cni/net.d", "folder of configurations")
	flags.StringVar(&r.netns, "netns", "", "path, or the name of one that ADD makes if it is not there")
	flags.StringVar(&r.containerID, "container-id", "cnilab", "CNI_CONTAINERID")
	flags.StringVar(&r.ifname, "ifname", "eth0", "CNI_IFNAME")
	flags.StringVar(&r.args, "args", "", "CNI_ARGS: KEY=VALUE;KEY=VALUE")
	config := flags.String("config", "", "the configuration of the network or of the plugin as it is, or - for standard input")
	capabilities := flags.String("capabilities", "", "JSON, of which each plugin gets as runtimeConfig what it asks for")
	path := flags.String("path", "/opt/cni/bin", "CNI_PATH")
	keep := flags.String("keep", "", "of GC: ID/IFNAME,ID/IFNAME")
	if err := flags.Parse(args[1:]); err != nil {
		return r, err
	}
	if flags.NArg() > 0 {
		return r, fmt.Errorf("agent cni takes flags only; got %q", flags.Arg(0))
	}
	if r.netns == "" {
		r.netns = r.containerID
	}
	r.path = filepath.SplitList(*path)
	r.config = []byte(*config)
	if *config == "-" {
		stdin, err := io.ReadAll(os.Stdin)
		if err != nil {
			return r, err
		}
		r.config = stdin
	}
	for _, word := range strings.FieldsFunc(*keep, func(char rune) bool { return char == ',' }) {
		id, ifname, ok := strings.Cut(word, "/")
		if !ok {
			return r, fmt.Errorf("wanted ID/IFNAME to keep; got %q", word)
		}
		r.keep = append(r.keep, types.GCAttachment{ContainerID: id, IfName: ifname})
	}
	if *capabilities == "" {
		return r, nil
	}
	return r, json.Unmarshal([]byte(*capabilities), &r.capabilities)
}

func (r request) aboutContainer() bool {
	return r.verb == "add" || r.verb == "del" || r.verb == "check"
}

// makesNetns reports whether the namespace must be created: a name stands for a namespace of the lab. DEL and CHECK
// use it as it is, whether it exists or not.
func (r *request) makesNetns() bool {
	if !r.aboutContainer() || strings.Contains(r.netns, "/") {
		return false
	}
	if r.verb == "add" {
		return true
	}
	r.netns = netnsPath(r.netns)
	return false
}

func (r request) runtimeConf() *libcni.RuntimeConf {
	conf := &libcni.RuntimeConf{ContainerID: r.containerID, NetNS: r.netns, IfName: r.ifname, CapabilityArgs: r.capabilities}
	for _, pair := range strings.FieldsFunc(r.args, func(char rune) bool { return char == ';' }) {
		key, value, _ := strings.Cut(pair, "=")
		conf.Args = append(conf.Args, [2]string{key, value})
	}
	return conf
}

// networkOf returns the configuration that was passed, or the node's: the first file by name, as runtimes choose it.
func (r request) networkOf() (*libcni.NetworkConfigList, error) {
	if len(r.config) > 0 && r.plugin == "" {
		var kind struct {
			Plugins json.RawMessage `json:"plugins"`
		}
		if err := json.Unmarshal(r.config, &kind); err == nil && kind.Plugins == nil {
			return fromConf(libcni.ConfFromBytes(r.config))
		}
		return libcni.NetworkConfFromBytes(r.config)
	}
	file := filepath.Join(r.folder, r.network)
	if r.network == "" {
		files, err := libcni.ConfFiles(r.folder, []string{".conf", ".conflist", ".json"})
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, libcni.NoConfigsFoundError{Dir: r.folder}
		}
		slices.Sort(files)
		file = files[0]
	}
	if filepath.Ext(file) == ".conflist" {
		return libcni.NetworkConfFromFile(file)
	}
	return fromConf(libcni.ConfFromFile(file))
}

func fromConf(conf *libcni.PluginConfig, err error) (*libcni.NetworkConfigList, error) {
	if err != nil {
		return nil, err
	}
	return libcni.ConfListFromConf(conf)
}

func (r request) callNetwork() error {
	list, err := r.networkOf()
	if err != nil {
		return err
	}
	cni := libcni.NewCNIConfig(r.path, &invoke.DefaultExec{RawExec: &invoke.RawExec{Stderr: os.Stderr}, PluginDecoder: version.PluginDecoder{}})
	ctx := context.Background()
	switch r.verb {
	case "add":
		result, err := cni.AddNetworkList(ctx, list, r.runtimeConf())
		if err != nil {
			return err
		}
		return result.Print()
	case "del":
		return cni.DelNetworkList(ctx, list, r.runtimeConf())
	case "check":
		return cni.CheckNetworkList(ctx, list, r.runtimeConf())
	case "gc":
		return cni.GCNetworkList(ctx, list, &libcni.GCArgs{ValidAttachments: r.keep})
	case "status":
		return cni.GetStatusNetworkList(ctx, list)
	}
	for _, plugin := range list.Plugins {
		info, err := cni.GetVersionInfo(ctx, plugin.Network.Type)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", plugin.Network.Type, strings.Join(info.SupportedVersions(), " "))
	}
	_, err = cni.ValidateNetworkList(ctx, list)
	return err
}

// callPlugin passes on the plugin's output and exit code. As in a shell, a signal gives 128 plus its number.
func (r request) callPlugin() error {
	path, err := invoke.FindInPath(r.plugin, r.path)
	if err != nil {
		return err
	}
	config, err := r.pluginConfig()
	if err != nil {
		cannotTry(err)
	}
	command := exec.Command(path)
	command.Env = r.environment()
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(config), os.Stdout, os.Stderr
	err = command.Run()
	exit := &exec.ExitError{}
	if !errors.As(err, &exit) {
		return err
	}
	status, is := exit.Sys().(syscall.WaitStatus)
	if is && status.Signaled() {
		fmt.Fprintf(os.Stderr, "the plugin ended by %v\n", exit)
		os.Exit(128 + int(status.Signal()))
	}
	os.Exit(exit.ExitCode())
	return nil
}

func (r request) environment() []string {
	args := invoke.Args{Command: strings.ToUpper(r.verb), Path: strings.Join(r.path, string(os.PathListSeparator))}
	switch {
	case r.aboutContainer():
		args.ContainerID, args.NetNS, args.IfName, args.PluginArgsStr = r.containerID, r.netns, r.ifname, r.args
	case r.verb == "version": // as libcni does
		args.NetNS, args.IfName, args.Path = "dummy", "dummy", "dummy"
	}
	return args.AsEnv()
}

// pluginConfig returns what was passed, byte for byte, or what libcni would send from the node's configuration.
func (r request) pluginConfig() ([]byte, error) {
	if len(r.config) > 0 {
		return r.config, nil
	}
	if r.verb == "version" {
		return []byte(`{"cniVersion":"1.1.0"}`), nil
	}
	list, err := r.networkOf()
	if err != nil {
		return nil, err
	}
	index := slices.IndexFunc(list.Plugins, func(plugin *libcni.PluginConfig) bool { return plugin.Network.Type == r.plugin })
	if index < 0 {
		return nil, fmt.Errorf("no plugin of the network %q is of type %q", list.Name, r.plugin)
	}
	plugin := list.Plugins[index]
	inject := map[string]any{"name": list.Name, "cniVersion": list.CNIVersion}
	runtimeConfig := map[string]any{}
	for capability, wanted := range plugin.Network.Capabilities {
		if value, given := r.capabilities[capability]; wanted && given {
			runtimeConfig[capability] = value
		}
	}
	if len(runtimeConfig) > 0 {
		inject["runtimeConfig"] = runtimeConfig
	}
	if r.verb == "del" || r.verb == "check" {
		before, err := libcni.NewCNIConfig(r.path, nil).GetNetworkListCachedResult(list, r.runtimeConf())
		if err == nil && before != nil {
			inject["prevResult"] = before
		}
	}
	injected, err := libcni.InjectConf(plugin, inject)
	if err != nil {
		return nil, err
	}
	return injected.Bytes, nil
}
