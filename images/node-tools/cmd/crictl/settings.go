package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
	"gopkg.in/yaml.v3"
)

const defaultTimeout = 2 * time.Second

var globalFlags = []cli.Flag{
	&cli.StringFlag{
		Name: "config", Aliases: []string{"c"}, EnvVars: []string{"CRI_CONFIG_FILE"}, Value: "/etc/crictl.yaml",
		Usage: "the configuration file; if there is none, crictl.yaml beside this program",
	},
	&cli.StringFlag{
		Name: "image-endpoint", Aliases: []string{"i"}, EnvVars: []string{"IMAGE_SERVICE_ENDPOINT"},
		Usage: "not used: nothing here asks for images",
	},
	&cli.StringFlag{
		Name: "runtime-endpoint", Aliases: []string{"r"}, EnvVars: []string{"CONTAINER_RUNTIME_ENDPOINT"},
		Usage: "the runtime's socket, as unix:///path",
	},
	&cli.DurationFlag{
		Name: "timeout", Aliases: []string{"t"}, Value: defaultTimeout,
		Usage: "how long to wait for an answer, as 2s or 1m; 0 or less is the default",
	},
}

// connectionSettings come from flags, else from the environment, else from the configuration file.
type connectionSettings struct {
	// empty if it is not set
	endpoint string
	timeout  time.Duration
}

var settings connectionSettings

func readSettings(context *cli.Context) connectionSettings {
	file, err := readConfigFile(context.String("config"))
	if err != nil && context.IsSet("config") {
		logrus.Fatal(err)
	}
	read := connectionSettings{endpoint: file.endpoint, timeout: context.Duration("timeout")}
	if context.IsSet("runtime-endpoint") {
		read.endpoint = context.String("runtime-endpoint")
	}
	switch {
	case context.IsSet("timeout") && read.timeout <= 0:
		read.timeout = defaultTimeout
	case !context.IsSet("timeout") && file.timeout > 0:
		read.timeout = file.timeout
	}
	return read
}

func readConfigFile(path string) (connectionSettings, error) {
	var read connectionSettings
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		program, err := os.Executable()
		if err != nil {
			return read, err
		}
		path = filepath.Join(filepath.Dir(program), "crictl.yaml")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		var failed *os.PathError
		if errors.As(err, &failed) && errors.Is(err, os.ErrNotExist) {
			failed.Op = "stat" // the official crictl calls stat before it opens the file
		}
		return read, fmt.Errorf("load config file: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return read, fmt.Errorf("load config file: %w", err)
	}
	if len(document.Content) == 0 {
		return read, nil
	}
	pairs := document.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := read.set(pairs[i].Value, pairs[i+1].Value); err != nil {
			return connectionSettings{}, fmt.Errorf("load config file: %w", err)
		}
	}
	return read, nil
}

func (s *connectionSettings) set(name, value string) (err error) {
	switch name {
	case "runtime-endpoint":
		s.endpoint = value
	case "image-endpoint":
	case "timeout":
		var seconds int
		seconds, err = strconv.Atoi(value)
		s.timeout = time.Duration(seconds) * time.Second
	case "debug", "pull-image-on-create", "disable-pull-on-run":
		_, err = strconv.ParseBool(value) // accepted, but without effect here
	default:
		return fmt.Errorf("Config option '%s' is not valid", name)
	}
	if err != nil {
		return fmt.Errorf("parsing config option '%s': %w", name, err)
	}
	return nil
}
