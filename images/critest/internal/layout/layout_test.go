package layout

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	hex   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	index = `{"manifests":[
		{"mediaType":"a/manifest","digest":"sha256:` + hex + `","annotations":{"` + refName + `":"some/image:1"}},
		{"mediaType":"a/manifest","digest":"sha256:` + hex + `"}
	]}`
)

func TestServesByTagAndByDigest(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "index.json"), index)
	write(t, filepath.Join(folder, "blobs/sha256", hex), "content")
	images, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/v2/": "200  ",
		"/v2/some/image/manifests/1?ns=registry.example": "200 a/manifest content",
		"/v2/some/image/manifests/sha256:" + hex:         "200 a/manifest content",
		"/v2/some/image/blobs/sha256:" + hex:             "200 application/octet-stream content",
		"/v2/some/image/manifests/2":                     "404",
		"/v2/other/image/manifests/sha256:" + hex:        "404",
		"/v2/some/image/blobs/sha256:" + flipped(hex):    "404",
		"/v2/some/image/blobs/..%2f..%2findex.json":      "404",
		"/v2/some/image/tags/list":                       "404",
	} {
		answer := httptest.NewRecorder()
		images.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		got := strings.Fields(answer.Result().Status)[0]
		if got == "200" {
			got += " " + answer.Header().Get("Content-Type") + " " + answer.Body.String()
		}
		if got != want {
			t.Errorf("%s: got %q, wanted %q", path, got, want)
		}
	}
}

func flipped(text string) string {
	bytes := []byte(text)
	for i, j := 0, len(bytes)-1; i < j; i, j = i+1, j-1 {
		bytes[i], bytes[j] = bytes[j], bytes[i]
	}
	return string(bytes)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
