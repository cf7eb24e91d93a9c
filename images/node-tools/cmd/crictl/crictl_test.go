package main

import (
	"strings"
	"testing"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestLogLinesLookLikeKlogs(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{`name "web"`, `="name \"web\""`},
		{[]string{"ls", "-l"}, `=[ls -l]`},
		{&cri.ImageSpec{Image: "a"}, `="&ImageSpec{Image:a,Annotations:map[string]string{},}"`},
		{"first\n\tsecond\n", "=<\n\tfirst\n\t\tsecond\n >"},
	} {
		if got := formatValue(c.value); got != c.want {
			t.Errorf("%v: got %q, want %q", c.value, got, c.want)
		}
	}
	var line strings.Builder
	writeLine(&line, 'E', "file.go:1", "it failed", []about{{"err", "why"}, {"id", "x"}})
	if _, rest, _ := strings.Cut(line.String(), " file"); rest != `.go:1] "it failed" err="why" id="x"`+"\n" {
		t.Errorf("got %q", line.String())
	}
}
