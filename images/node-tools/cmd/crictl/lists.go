package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"
)

// listFlags are those that every list has.
func listFlags(formats string) []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "label", Usage: "only those with this key=value label"},
		&cli.IntFlag{Name: "last", Aliases: []string{"n"}, Usage: "only the newest n"},
		boolFlag("latest", "l", "only the newest"),
		boolFlag("no-trunc", "", "whole ids in the table"),
		outputFlag(formats, "table"),
		boolFlag("quiet", "q", "only ids"),
	}
}

func inspectFlags(formats string) []cli.Flag {
	return []cli.Flag{
		outputFlag(formats, ""),
		boolFlag("quiet", "q", "without the runtime's own information"),
		stringFlag("template", "", "for -o go-template"),
	}
}

// formatOf is that of an inspecting verb.
func formatOf(context *cli.Context) string {
	if format := context.String("output"); format != "" {
		return format
	}
	return "json"
}

func labelsOf(context *cli.Context) (map[string]string, error) {
	labels := map[string]string{}
	for _, label := range context.StringSlice("label") {
		pair := strings.Split(label, "=")
		if len(pair) != 2 {
			return nil, fmt.Errorf("incorrectly specified label: %v", label)
		}
		labels[pair[0]] = pair[1]
	}
	return labels, nil
}

// matches holds for an empty pattern, and not for one that is no regular expression.
func matches(pattern, name string) bool {
	matched, err := regexp.MatchString(pattern, name)
	return err == nil && matched
}

// newestFirst sorts what is wanted, and leaves as many as --last or --latest say.
func newestFirst[T interface{ GetCreatedAt() int64 }](context *cli.Context, all []T, wanted func(T) bool) []T {
	listed := []T{}
	for _, one := range all {
		if wanted(one) {
			listed = append(listed, one)
		}
	}
	sort.Slice(listed, func(a, b int) bool { return listed[a].GetCreatedAt() > listed[b].GetCreatedAt() })
	count := len(listed)
	if context.Bool("latest") {
		count = 1
	}
	if last := context.Int("last"); last > 0 {
		count = last
	}
	return listed[:min(count, len(listed))]
}
