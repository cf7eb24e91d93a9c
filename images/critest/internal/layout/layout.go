// Package layout serves an OCI image layout as a registry does: https://github.com/opencontainers/distribution-spec
package layout

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
)

// Images is the content of a layout. It ignores which registry a client asks for: one server replaces all.
type Images struct {
	folder string
	// name:tag and name@digest
	manifests map[string]descriptor
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations"`
}

// refName is the annotation of an image in the index that has its name and tag, without a registry.
const refName = "org.opencontainers.image.ref.name"

var (
	reference = regexp.MustCompile(`^(.+):([^:/]+)$`)
	request   = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs)/([^/]+)$`)
	digest    = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// Open reads the index of a layout.
func Open(folder string) (*Images, error) {
	text, err := os.ReadFile(filepath.Join(folder, "index.json"))
	if err != nil {
		return nil, err
	}
	var index struct {
		Manifests []descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, err
	}
	images := &Images{folder: folder, manifests: map[string]descriptor{}}
	for _, manifest := range index.Manifests {
		named := reference.FindStringSubmatch(manifest.Annotations[refName])
		if named == nil {
			continue
		}
		images.manifests[named[0]] = manifest
		images.manifests[named[1]+"@"+manifest.Digest] = manifest
	}
	return images, nil
}

// ServeHTTP answers the requests of a pull.
func (images *Images) ServeHTTP(answer http.ResponseWriter, asked *http.Request) {
	if asked.URL.Path == "/v2/" {
		return
	}
	words := request.FindStringSubmatch(asked.URL.Path)
	if words == nil {
		http.NotFound(answer, asked)
		return
	}
	name, kind, what := words[1], words[2], words[3]
	found, known := descriptor{Digest: what, MediaType: "application/octet-stream"}, digest.MatchString(what)
	if kind == "manifests" {
		separator := ":"
		if known {
			separator = "@"
		}
		found, known = images.manifests[name+separator+what]
	}
	if !known {
		http.NotFound(answer, asked)
		return
	}
	answer.Header().Set("Content-Type", found.MediaType)
	answer.Header().Set("Docker-Content-Digest", found.Digest)
	http.ServeFile(answer, asked, filepath.Join(images.folder, "blobs/sha256", found.Digest[len("sha256:"):]))
}
