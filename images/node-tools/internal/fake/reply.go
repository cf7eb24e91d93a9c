package fake

import (
	"encoding/json"
	"os"
)

// call is the input of a call besides the command: the environment, and the configuration on standard input.
type call struct {
	verb   string
	config config
	stdin  []byte
	netns  string
	ifname string
}

type config struct {
	CNIVersion string          `json:"cniVersion"`
	PrevResult json.RawMessage `json:"prevResult"`
}

// supported are all versions of CNI.
var supported = []string{"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"}

func (c call) version() string {
	if c.config.CNIVersion == "" {
		return "0.1.0" // the meaning of a missing version
	}
	return c.config.CNIVersion
}

// success is what a successful plugin prints. For ADD this is the previous result, or its own in the form of that
// version.
func (c call) success() []byte {
	switch {
	case c.verb == "version":
		return c.versions(supported)
	case c.verb != "add":
		return nil
	case len(c.config.PrevResult) > 0:
		return append(c.config.PrevResult, '\n')
	}
	const address = "192.0.2.2/24" // a documentation address (RFC 5737), in no network
	switch version := c.version(); version {
	case "0.1.0", "0.2.0":
		return line(map[string]any{"cniVersion": version, "ip4": map[string]any{"ip": address}})
	default:
		ip := map[string]any{"interface": 0, "address": address}
		if version == "0.3.0" || version == "0.3.1" || version == "0.4.0" {
			ip["version"] = "4"
		}
		return line(map[string]any{
			"cniVersion": version,
			"interfaces": []any{map[string]any{"name": c.ifname, "sandbox": c.netns}},
			"ips":        []any{ip},
		})
	}
}

// print returns what an answer puts on standard output, and the exit code that goes with it.
func (c call) print(answer Answer) ([]byte, int, error) {
	switch {
	case answer.Error != nil:
		reply := *answer.Error
		reply.CNIVersion = c.version()
		return line(reply), 1, nil
	case answer.Print != nil:
		text, err := answer.Print.bytes()
		return text, 0, err
	case answer.Versions != nil:
		return c.versions(answer.Versions), 0, nil
	}
	result := map[string]any{}
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		return nil, 0, err
	}
	if _, has := result["cniVersion"]; !has {
		result["cniVersion"] = c.version()
	}
	return line(result), 0, nil
}

func (c call) versions(list []string) []byte {
	return line(map[string]any{"cniVersion": c.version(), "supportedVersions": list})
}

func line(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // cannot happen: maps and strings only
	}
	return append(text, '\n')
}

func callOf(command string, stdin []byte) call {
	c := call{verb: command, stdin: stdin, netns: os.Getenv("CNI_NETNS"), ifname: os.Getenv("CNI_IFNAME")}
	_ = json.Unmarshal(stdin, &c.config) // an invalid configuration has no version
	return c
}
