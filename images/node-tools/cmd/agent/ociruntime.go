package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ociRuntime is what a script `#!/lab/bin/agent oci-runtime` runs. It runs runc after it has removed a negative
// oom_score_adj from the bundle. CRI-O asks for -998 for each sandbox, which needs CAP_SYS_RESOURCE. It is removed on
// every node, so that a verdict does not depend on the host's capabilities.
func ociRuntime(args []string) error {
	if len(args) < 1 {
		return errors.New("agent oci-runtime is the interpreter of a script")
	}
	for i, argument := range args[:len(args)-1] {
		if argument == "--bundle" || argument == "-b" {
			if err := keepScore(filepath.Join(args[i+1], "config.json")); err != nil {
				return fmt.Errorf("the bundle %s: %w", args[i+1], err)
			}
		}
	}
	const runc = "/usr/local/bin/runc" // conmon of CRI-O 1.24 has no PATH
	return unix.Exec(runc, append([]string{runc}, args[1:]...), os.Environ())
}

func keepScore(file string) error {
	written, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil // runc reports this itself
	}
	if err != nil {
		return err
	}
	var config, process map[string]json.RawMessage
	if err := json.Unmarshal(written, &config); err != nil {
		return err
	}
	if err := json.Unmarshal(config["process"], &process); err != nil {
		return err
	}
	var score int
	if process["oomScoreAdj"] == nil || json.Unmarshal(process["oomScoreAdj"], &score) != nil || score >= 0 {
		return nil
	}
	delete(process, "oomScoreAdj")
	if config["process"], err = json.Marshal(process); err != nil {
		return err
	}
	changed, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return os.WriteFile(file, changed, 0o600)
}
