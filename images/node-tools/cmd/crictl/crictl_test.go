package main

import (
	"reflect"
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

func TestOnlyTheFirstDocumentOfAFileCounts(t *testing.T) {
	if got := firstDocument("---\na: 1\nb: ---\n---\nc: 2\n"); got != "a: 1\nb: ---\n" {
		t.Errorf("got %q", got)
	}
}

func TestAStatusKeepsTheOrderOfItsTypeAndTakesTimesAsText(t *testing.T) {
	got, err := statusJSON(&cri.PodSandboxMetadata{Name: "web", Uid: "<u>", Attempt: 2}, map[string]any{"uid": "other"})
	if want := `{"name":"web","uid":"other","namespace":"","attempt":2}`; got != want || err != nil {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
}

func TestAnImageWithoutTagIsShownByTheNameThatItWasPulledBy(t *testing.T) {
	for _, c := range []struct {
		image *cri.Image
		want  [][2]string
	}{
		{&cri.Image{RepoTags: []string{"host:5000/a:1", "b:2"}}, [][2]string{{"host:5000/a", "1"}, {"b", "2"}}},
		{&cri.Image{RepoDigests: []string{"a@sha256:0"}}, [][2]string{{"a", none}}},
		{&cri.Image{}, [][2]string{{none, none}}},
	} {
		if got := taggedNames(c.image); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.image, got, c.want)
		}
	}
}
