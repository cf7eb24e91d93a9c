package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	"sigs.k8s.io/yaml"
)

func loadPodConfig(path string) (*cri.PodSandboxConfig, error) {
	config := &cri.PodSandboxConfig{}
	return config, load(path, config)
}

func loadContainerConfig(path string) (*cri.ContainerConfig, error) {
	config := &cri.ContainerConfig{}
	return config, load(path, config)
}

// load reads JSON if the file begins with a brace, else the first document of YAML. Unknown keys are let pass.
func load(path string, into any) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("config at %s not found", path)
	}
	if err != nil {
		return err
	}
	if bytes.HasPrefix(bytes.TrimLeftFunc(content, unicode.IsSpace), []byte("{")) {
		err = json.NewDecoder(bytes.NewReader(content)).Decode(into)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return fmt.Errorf("json: offset %d: %w", syntax.Offset, err)
		}
		return err
	}
	document := firstDocument(string(content))
	if document == "" {
		return errors.New("EOF")
	}
	return yaml.Unmarshal([]byte(document), into)
}

func firstDocument(content string) string {
	var document strings.Builder
	for _, line := range strings.SplitAfter(content, "\n") {
		if !strings.HasPrefix(line, "---") {
			document.WriteString(line)
		} else if document.Len() > 0 {
			break
		}
	}
	return document.String()
}
