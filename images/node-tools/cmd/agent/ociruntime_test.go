package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestANegativeScoreIsDroppedAndNothingElse(t *testing.T) {
	for _, one := range []struct{ config, expected string }{
		{`{"process":{"args":["/pause"],"oomScoreAdj":-998},"root":{"path":"/r"}}`, `{"process":{"args":["/pause"]},"root":{"path":"/r"}}`},
		{`{"process":{"oomScoreAdj":1000}}`, `{"process":{"oomScoreAdj":1000}}`},
		{`{"process":{"args":["x"]}}`, `{"process":{"args":["x"]}}`},
	} {
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, []byte(one.config), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := keepScore(file); err != nil {
			t.Fatal(err)
		}
		if found, _ := os.ReadFile(file); string(found) != one.expected {
			t.Errorf("%s became %s", one.config, found)
		}
	}
	if err := keepScore(filepath.Join(t.TempDir(), "config.json")); err != nil {
		t.Errorf("a bundle without a config is runc's to report: %v", err)
	}
}
