package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"unicode"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func loadPodConfig(path string) (*cri.PodSandboxConfig, error) {
	config := &cri.PodSandboxConfig{}
	return config, load(path, config)
}

func loadContainerConfig(path string) (*cri.ContainerConfig, error) {
	config := &cri.ContainerConfig{}
	return config, load(path, config)
}

// load reads JSON, which is the format that the lab writes. Unknown keys are ignored.
func load(path string, into any) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("config at %s not found", path)
	}
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(bytes.TrimLeftFunc(content, unicode.IsSpace), []byte("{")) {
		return lacking("configurations that are not JSON")
	}
	err = json.NewDecoder(bytes.NewReader(content)).Decode(into)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("json: offset %d: %w", syntax.Offset, err)
	}
	return err
}
