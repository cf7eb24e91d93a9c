package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cnilab/node-tools/internal/cgroup"

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
			err = edit(filepath.Join(args[i+1], "config.json"), func(bundle object) (bool, error) {
				return fitBundle(bundle, cgroup.Has("hugetlb"), capability.GetBound)
			})
		case "--process", "-p": // of exec
			err = edit(args[i+1], func(process object) (bool, error) { return fitToNode(process, capability.GetBound) })
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", argument, args[i+1], err)
		}
	}
	const runc = "/usr/local/bin/runc" // conmon of CRI-O 1.24 has no PATH
	return unix.Exec(runc, append([]string{runc}, args[1:]...), os.Environ())
}

type object = map[string]json.RawMessage

// edit writes a file again if change says that there is something to write.
func edit(file string, change func(object) (bool, error)) error {
	written, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil // runc reports this itself
	}
	if err != nil {
		return err
	}
	var config object
	if err := json.Unmarshal(written, &config); err != nil {
		return err
	}
	changed, err := change(config)
	if err != nil || !changed {
		return err
	}
	content, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

// within is edit for what is under a key, if it is there.
func within(config object, key string, change func(object) (bool, error)) (bool, error) {
	var inner object
	if config[key] == nil {
		return false, nil
	}
	if err := json.Unmarshal(config[key], &inner); err != nil {
		return false, err
	}
	changed, err := change(inner)
	if err != nil || !changed {
		return false, err
	}
	config[key], err = json.Marshal(inner)
	return true, err
}

// fitBundle also removes the limits of huge pages where a node has no controller for them. kubelet asks for them for each
// container. CRI-O passes them on where the kernel knows hugetlb, also on a host with cgroup v1 that has mounted no such hierarchy. Then
// runc fails. containerd leaves them out itself (tolerate_missing_hugetlb_controller).
func fitBundle(bundle object, hasHugetlb bool, isBound func(capability.Cap) (bool, error)) (bool, error) {
	fitted, err := within(bundle, "process", func(process object) (bool, error) { return fitToNode(process, isBound) })
	if err != nil || hasHugetlb {
		return fitted, err
	}
	removed, err := within(bundle, "linux", func(linux object) (bool, error) {
		return within(linux, "resources", func(resources object) (bool, error) {
			_, asked := resources["hugepageLimits"]
			delete(resources, "hugepageLimits")
			return asked, nil
		})
	})
	return fitted || removed, err
}

// fitToNode removes a negative oom_score_adj and the capabilities that a node does not have, and reports whether there were
// any. CRI-O asks for -998 for each sandbox, which needs CAP_SYS_RESOURCE, and for all capabilities for a privileged container.
// containerd gives such a container those that it has itself. The score is removed on every node, so that a verdict does not
// depend on the host's capabilities.
func fitToNode(process object, isBound func(capability.Cap) (bool, error)) (bool, error) {
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
