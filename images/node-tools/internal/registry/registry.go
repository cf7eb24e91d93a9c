// Package registry serves the images of one archive as a registry on the node's loopback. It is for a runtime that
// can get images in no other way.
package registry

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
)

// Address is where it is served, as in registries.conf of lab/nodes/runtimes/crio/config.ts. Steps listen on other
// addresses.
const Address = "127.127.127.127:5000"

// nameOf is the annotation with an image's full name. containerd's tools write it.
const nameOf = "io.containerd.image.name"

// Images are those of an OCI archive, by reference, with all their blobs.
type Images struct {
	byName map[string]descriptor
	blobs  map[string][]byte
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations"`
}

// Open reads an OCI image archive, which is a tar file.
func Open(archive string) (*Images, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	images := &Images{map[string]descriptor{}, map[string][]byte{}}
	var index struct{ Manifests []descriptor }
	for entries := tar.NewReader(file); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", archive, err)
		}
		content, err := io.ReadAll(entries)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", archive, err)
		}
		name := strings.TrimPrefix(path.Clean("/"+entry.Name), "/")
		switch {
		case name == "index.json":
			if err := json.Unmarshal(content, &index); err != nil {
				return nil, fmt.Errorf("%s: index.json: %w", archive, err)
			}
		case strings.HasPrefix(name, "blobs/sha256/"):
			images.blobs["sha256:"+path.Base(name)] = content
		}
	}
	for _, one := range index.Manifests {
		if name := one.Annotations[nameOf]; name != "" {
			images.byName[name] = one
		}
	}
	if len(images.byName) == 0 {
		return nil, fmt.Errorf("%s has no image with a name", archive)
	}
	return images, nil
}

// Names returns the names of all images, as HOST/NAME:TAG.
func (i *Images) Names() []string {
	var names []string
	for name := range i.byName {
		names = append(names, name)
	}
	return names
}

// ServeHTTP answers the requests of a pull: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
func (i *Images) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	way := strings.TrimPrefix(request.URL.Path, "/v2/")
	repository, reference := path.Split(way)
	switch kind := path.Base(repository); {
	case way == "":
		return
	case kind == "manifests" && !strings.HasPrefix(reference, "sha256:"):
		i.manifest(response, path.Dir(path.Clean(repository)), reference)
	case kind == "manifests" || kind == "blobs":
		mediaType := "application/octet-stream"
		for _, one := range i.byName {
			if one.Digest == reference {
				mediaType = one.MediaType
			}
		}
		i.blob(response, reference, mediaType)
	default:
		http.NotFound(response, request)
	}
}

func (i *Images) manifest(response http.ResponseWriter, repository, tag string) {
	for name, one := range i.byName {
		if _, withoutHost, _ := strings.Cut(name, "/"); withoutHost == repository+":"+tag {
			i.blob(response, one.Digest, one.MediaType)
			return
		}
	}
	http.Error(response, "no such image", http.StatusNotFound)
}

func (i *Images) blob(response http.ResponseWriter, digest, mediaType string) {
	content, known := i.blobs[digest]
	if !known {
		http.Error(response, "no such blob", http.StatusNotFound)
		return
	}
	response.Header().Set("Content-Type", mediaType)
	response.Header().Set("Content-Length", fmt.Sprint(len(content)))
	response.Header().Set("Docker-Content-Digest", digest)
	_, _ = response.Write(content)
}
