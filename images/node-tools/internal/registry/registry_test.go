package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
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
	defer images.Close()
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

const saved = `[{"Config":"c.json","RepoTags":["my-app:1","registry.example.com/team/other:2"],"Layers":["one/layer.tar","two/layer.tar"]}]`

func TestAnArchiveOfDockerSaveIsServedWithAManifest(t *testing.T) {
	plain := archiveOf(t, map[string]string{
		"manifest.json": saved, "c.json": "{}", "one/layer.tar": "a layer", "two/layer.tar": "another",
	})
	for _, archive := range []string{plain, compressed(t, plain)} {
		images, err := Open(archive)
		if err != nil {
			t.Fatal(err)
		}
		defer images.Close()
		names := images.Names()
		slices.Sort(names)
		if want := []string{"docker.io/library/my-app:1", "registry.example.com/team/other:2"}; !slices.Equal(names, want) {
			t.Errorf("%v, expected %v", names, want)
		}
		server := httptest.NewServer(images)
		defer server.Close()
		var manifest struct{ Layers []descriptor }
		if err := json.Unmarshal([]byte(get(t, server.URL+"/v2/library/my-app/manifests/1")), &manifest); err != nil {
			t.Fatal(err)
		}
		if len(manifest.Layers) != 2 || manifest.Layers[1].Size != 7 {
			t.Fatalf("%+v", manifest)
		}
		if layer := get(t, server.URL+"/v2/library/my-app/blobs/"+manifest.Layers[1].Digest); layer != "another" {
			t.Errorf("%q", layer)
		}
	}
}

func TestAnArchiveThatLacksALayer(t *testing.T) {
	if _, err := Open(archiveOf(t, map[string]string{"manifest.json": saved, "c.json": "{}"})); err == nil {
		t.Error("one/layer.tar is missing")
	}
}

func TestTheManifestsOfAnIndexHaveTheirTypes(t *testing.T) {
	images, err := Open(archiveOf(t, map[string]string{
		"index.json":     `{"manifests":[{"mediaType":"an/index","digest":"sha256:i","annotations":{"org.opencontainers.image.ref.name":"my-app:1"}}]}`,
		"blobs/sha256/i": `{"manifests":[{"mediaType":"a/manifest","digest":"sha256:m"}]}`,
		"blobs/sha256/m": "the manifest",
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer images.Close()
	if images.mediaTypes["sha256:m"] != "a/manifest" {
		t.Errorf("%v", images.mediaTypes)
	}
}

func TestARuntimeIsToldWhereImagesAre(t *testing.T) {
	images := &Images{byName: map[string]descriptor{"registry.example.com:8443/team/app:1": {}}}
	want := `unqualified-search-registries = ["docker.io"]

[[registry]]
prefix = "registry.example.com:8443/team/app"
location = "127.127.127.127:5000/team/app"
insecure = true
`
	if text := Config(images, images); text != want {
		t.Error(text)
	}
}

func TestNamesAreCompletedAsContainerdDoes(t *testing.T) {
	for short, full := range map[string]string{
		"app": "docker.io/library/app:latest", "team/app:1": "docker.io/team/app:1", "localhost/app": "localhost/app:latest",
		"example.com/app:1": "example.com/app:1", "host:5000/app": "host:5000/app:latest",
	} {
		if name := fullName(short); name != full {
			t.Errorf("%s: %s, expected %s", short, name, full)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(url, response.Status, err)
	}
	return string(content)
}

func compressed(t *testing.T, archive string) string {
	t.Helper()
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	writer.Write(content)
	writer.Close()
	name := archive + ".gz"
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}
