package registry

import (
	"archive/tar"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func archiveOf(t *testing.T, files map[string]string) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "image.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

func TestAnImageIsServedByTagAndByDigest(t *testing.T) {
	images, err := Open(archiveOf(t, map[string]string{
		"index.json":       `{"manifests":[{"mediaType":"a/manifest","digest":"sha256:m","annotations":{"io.containerd.image.name":"cnilab.local/pause:1"}}]}`,
		"blobs/sha256/m":   "the manifest",
		"./blobs/sha256/l": "a layer",
	}))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(images)
	defer server.Close()
	for _, one := range []struct {
		path, mediaType, content string
		code                     int
	}{
		{"/v2/", "", "", http.StatusOK},
		{"/v2/pause/manifests/1", "a/manifest", "the manifest", http.StatusOK},
		{"/v2/pause/manifests/sha256:m", "a/manifest", "the manifest", http.StatusOK},
		{"/v2/pause/blobs/sha256:l", "application/octet-stream", "a layer", http.StatusOK},
		{"/v2/pause/manifests/2", "", "", http.StatusNotFound},
		{"/v2/other/manifests/1", "", "", http.StatusNotFound},
		{"/v2/pause/blobs/sha256:x", "", "", http.StatusNotFound},
	} {
		response, err := http.Get(server.URL + one.path)
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != one.code {
			t.Errorf("%s: %d, expected %d", one.path, response.StatusCode, one.code)
		}
		if one.mediaType != "" && (string(content) != one.content || response.Header.Get("Content-Type") != one.mediaType) {
			t.Errorf("%s: %q as %s", one.path, content, response.Header.Get("Content-Type"))
		}
	}
}

func TestAnArchiveWithoutANamedImage(t *testing.T) {
	if _, err := Open(archiveOf(t, map[string]string{"index.json": `{"manifests":[{"digest":"sha256:m"}]}`})); err == nil {
		t.Error("it has no image that could be pulled")
	}
}
