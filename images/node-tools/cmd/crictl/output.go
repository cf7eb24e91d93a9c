package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"text/tabwriter"
	"text/template"
	"time"

	"github.com/docker/go-units"
	"github.com/gogo/protobuf/jsonpb"
	"github.com/gogo/protobuf/proto"
	"sigs.k8s.io/yaml"
)

// listIn prints a whole list as JSON or YAML; false means that the format is the table, which is the caller's.
func listIn(format string, list proto.Message) (bool, error) {
	if format != "json" && format != "yaml" {
		return false, nil
	}
	text, err := asJSON(list)
	if err == nil && format == "yaml" {
		var converted []byte
		converted, err = yaml.JSONToYAML([]byte(text))
		text = string(converted)
	}
	if err != nil {
		return true, err
	}
	fmt.Println(text)
	return true, nil
}

func asJSON(message proto.Message) (string, error) {
	return (&jsonpb.Marshaler{EmitDefaults: true, Indent: "  "}).MarshalToString(message)
}

// statusJSON is a status with its fields in the order of the type, its nested fields in that of their names, and the
// given fields replaced: times, which CRI has as nanoseconds.
func statusJSON(status proto.Message, replaced map[string]any) (string, error) {
	text, err := asJSON(status)
	if err != nil {
		return "", err
	}
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return "", err
	}
	for name, value := range replaced {
		fields[name] = value
	}
	var ordered []string
	for _, name := range jsonNames(status) {
		value, err := json.Marshal(fields[name])
		if err != nil {
			return "", err
		}
		ordered = append(ordered, fmt.Sprintf("%q:%s", name, value))
	}
	return "{" + strings.Join(ordered, ",") + "}", nil
}

// jsonNames are those of a message's fields: `json=createdAt` in the protobuf tag, else the name in the json tag.
func jsonNames(message proto.Message) []string {
	var names []string
	shape := reflect.TypeOf(message).Elem()
	for i := 0; i < shape.NumField(); i++ {
		tag := shape.Field(i).Tag
		name, _, _ := strings.Cut(tag.Get("json"), ",")
		for _, part := range strings.Split(tag.Get("protobuf"), ",") {
			if camelCase, is := strings.CutPrefix(part, "json="); is {
				name = camelCase
			}
		}
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// statusIn prints a status and, beside it, what the runtime adds of its own when asked to be verbose.
func statusIn(format, templateText, status string, info map[string]string) error {
	text := `{"status":` + status
	for _, name := range sortedKeys(info) {
		value := info[name]
		if !json.Valid([]byte(value)) {
			value = `"` + value + `"`
		}
		text += `,"` + name + `":` + value
	}
	text += "}"
	var shown []byte
	var err error
	switch format {
	case "json":
		var indented bytes.Buffer
		err = json.Indent(&indented, []byte(text), "", "  ")
		shown = indented.Bytes()
	case "yaml":
		shown, err = yaml.JSONToYAML([]byte(text))
	case "go-template":
		shown, err = fillTemplate(templateText, text)
	default:
		shown = []byte(fmt.Sprintf("Don't support %q format", format))
	}
	if err != nil {
		return err
	}
	fmt.Println(string(shown))
	return nil
}

func fillTemplate(templateText, text string) ([]byte, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var data any
	if err := decoder.Decode(&data); err != nil {
		return nil, fmt.Errorf("failed to decode json: %w", err)
	}
	parsed, err := template.New("tmplExecuteRawJSON").Option("missingkey=error").Funcs(template.FuncMap{
		"json":  func(value any) string { encoded, _ := json.Marshal(value); return string(encoded) + "\n" },
		"lower": strings.ToLower,
		"upper": strings.ToUpper,
	}).Parse(templateText)
	if err != nil {
		return nil, fmt.Errorf("failed to generate go-template: %w", err)
	}
	var filled bytes.Buffer
	if err := parsed.Execute(&filled, data); err != nil {
		return nil, fmt.Errorf("failed to template data: %w", err)
	}
	return filled.Bytes(), nil
}

// printTable aligns rows as crictl does: cells at least 20 wide, with at least 3 spaces between.
func printTable(rows [][]string) {
	table := tabwriter.NewWriter(os.Stdout, 20, 1, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	table.Flush()
}

func printPairs(title string, pairs map[string]string) {
	if pairs == nil {
		return
	}
	fmt.Println(title + ":")
	for _, name := range sortedKeys(pairs) {
		fmt.Printf("\t%s -> %s\n", name, pairs[name])
	}
}

func sortedKeys(of map[string]string) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// shortID is what a table has room for.
func shortID(id string) string {
	if id = strings.TrimPrefix(id, "sha256:"); len(id) > 13 {
		return id[:13]
	}
	return id
}

func age(nanoseconds int64) string {
	return units.HumanDuration(time.Since(time.Unix(0, nanoseconds))) + " ago"
}

func timeText(nanoseconds int64) string { return time.Unix(0, nanoseconds).Format(time.RFC3339Nano) }
