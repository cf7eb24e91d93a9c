package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/capability"
	"golang.org/x/sys/unix"
)

// ociRuntime is what a script `#!/lab/bin/agent oci-runtime` runs. It runs runc after it has removed from its input what a
// node does not have, see fitToNode.
func ociRuntime(args []string) error {
	if len(args) < 1 {
		return errors.New("agent oci-runtime is the interpreter of a script")
	}
	for i, argument := range args[:len(args)-1] {
		var err error
		switch argument {
		case "--bundle", "-b":
			err = fitFile(filepath.Join(args[i+1], "config.json"), "process")
		case "--process", "-p": // of exec
			err = fitFile(args[i+1], "")
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", argument, args[i+1], err)
		}
	}
	const runc = "/usr/local/bin/runc" // conmon of CRI-O 1.24 has no PATH
	return unix.Exec(runc, append([]string{runc}, args[1:]...), os.Environ())
}

// fitFile changes the process that a file describes, below key or as a whole.
func fitFile(file, key string) error {
	written, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil // runc reports this itself
	}
	if err != nil {
		return err
	}
	config := map[string]json.RawMessage{}
	described := json.RawMessage(written)
	if key != "" {
		if err := json.Unmarshal(written, &config); err != nil {
			return err
		}
		described = config[key]
	}
	var process map[string]json.RawMessage
	if err := json.Unmarshal(described, &process); err != nil {
		return err
	}
	changed, err := fitToNode(process, capability.GetBound)
	if err != nil || !changed {
		return err
	}
	var whole any = process
	if key != "" {
		if config[key], err = json.Marshal(process); err != nil {
			return err
		}
		whole = config
	}
	content, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

// fitToNode removes a negative oom_score_adj and the capabilities that a node does not have, and reports whether there were
// any. CRI-O asks for -998 for each sandbox, which needs CAP_SYS_RESOURCE, and for all capabilities for a privileged container.
// containerd gives such a container those that it has itself. The score is removed on every node, so that a verdict does not
// depend on the host's capabilities.
func fitToNode(process map[string]json.RawMessage, isBound func(capability.Cap) (bool, error)) (bool, error) {
	changed := false
	var score int
	if process["oomScoreAdj"] != nil && json.Unmarshal(process["oomScoreAdj"], &score) == nil && score < 0 {
		delete(process, "oomScoreAdj")
		changed = true
	}
	if process["capabilities"] == nil {
		return changed, nil
	}
	missing := map[string]bool{}
	for _, one := range capability.ListKnown() {
		bound, err := isBound(one)
		if err != nil {
			continue // runc ignores what the kernel does not know
		}
		missing["CAP_"+strings.ToUpper(one.String())] = !bound
	}
	var sets map[string][]string
	if err := json.Unmarshal(process["capabilities"], &sets); err != nil {
		return false, err
	}
	for name, set := range sets {
		kept := slices.DeleteFunc(slices.Clone(set), func(one string) bool { return missing[one] })
		changed = changed || len(kept) < len(set)
		sets[name] = kept
	}
	var err error
	process["capabilities"], err = json.Marshal(sets)
	return changed, err
}
