package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/sys/capability"
)

func TestANegativeScoreAndMissingCapabilitiesAreRemovedAndNothingElse(t *testing.T) {
	hasOnlyChown := func(one capability.Cap) (bool, error) { return one == capability.CAP_CHOWN, nil }
	for _, one := range []struct {
		process, expected string
		changed           bool
	}{
		{`{"args":["/pause"],"oomScoreAdj":-998}`, `{"args":["/pause"]}`, true},
		{`{"oomScoreAdj":1000}`, `{"oomScoreAdj":1000}`, false},
		{`{"args":["x"]}`, `{"args":["x"]}`, false},
		{
			`{"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_TIME"],"permitted":["CAP_SYS_TIME"]}}`,
			`{"capabilities":{"bounding":["CAP_CHOWN"],"permitted":[]}}`, true,
		},
		{`{"capabilities":{"bounding":["CAP_CHOWN"]}}`, `{"capabilities":{"bounding":["CAP_CHOWN"]}}`, false},
	} {
		var process map[string]json.RawMessage
		if err := json.Unmarshal([]byte(one.process), &process); err != nil {
			t.Fatal(err)
		}
		changed, err := fitToNode(process, hasOnlyChown)
		if err != nil {
			t.Fatal(err)
		}
		if found, _ := json.Marshal(process); string(found) != one.expected || changed != one.changed {
			t.Errorf("%s became %s, changed: %v", one.process, found, changed)
		}
	}
}

func TestTheProcessOfABundleAndItsHugePagesAreFitted(t *testing.T) {
	hasAll := func(capability.Cap) (bool, error) { return true, nil }
	const huge = `{"linux":{"resources":{"hugepageLimits":[{"limit":0,"pageSize":"2MB"}],"pids":{}}}}`
	for _, one := range []struct {
		bundle, expected string
		hasHugetlb       bool
	}{
		{`{"process":{"oomScoreAdj":-998},"root":{"path":"/r"}}`, `{"process":{},"root":{"path":"/r"}}`, true},
		{`{ "process": {} }`, `{ "process": {} }`, false},
		{huge, huge, true},
		{huge, `{"linux":{"resources":{"pids":{}}}}`, false},
		{`{ "linux": {"resources": {"pids": {}}} }`, `{ "linux": {"resources": {"pids": {}}} }`, false},
	} {
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, []byte(one.bundle), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := edit(file, func(bundle object) (bool, error) { return fitBundle(bundle, one.hasHugetlb, hasAll) }); err != nil {
			t.Fatal(err)
		}
		if found, _ := os.ReadFile(file); string(found) != one.expected {
			t.Errorf("%s became %s", one.bundle, found)
		}
	}
	if err := edit(filepath.Join(t.TempDir(), "config.json"), nil); err != nil {
		t.Errorf("a bundle without a config is runc's to report: %v", err)
	}
}
