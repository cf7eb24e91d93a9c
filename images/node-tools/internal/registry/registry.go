// Package registry serves the images of an archive as a registry on the node's loopback. It is for a runtime that
// can get images in no other way.
package registry

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// Address is where it is served, as in registries.conf of lab/nodes/runtimes/crio/config.ts. Steps listen on other
// addresses.
const Address = "127.127.127.127:5000"

// Names returns the names of all images, as HOST/NAME:TAG.
func (i *Images) Names() []string {
	var names []string
	for name := range i.byName {
		names = append(names, name)
	}
	return names
}

// Config tells a runtime that all images of these archives are at Address. Names without a host are those of docker.io, as
// containerd reads them. https://github.com/containers/image/blob/main/docs/containers-registries.conf.d.5.md
func Config(archives ...*Images) string {
	var text strings.Builder
	text.WriteString("unqualified-search-registries = [\"docker.io\"]\n")
	seen := map[string]bool{}
	for _, images := range archives {
		for name := range images.byName {
			repository := name[:strings.LastIndex(name, ":")]
			if seen[repository] {
				continue
			}
			seen[repository] = true
			_, withoutHost, _ := strings.Cut(repository, "/")
			fmt.Fprintf(&text, "\n[[registry]]\nprefix = %q\nlocation = %q\ninsecure = true\n", repository, Address+"/"+withoutHost)
		}
	}
	return text.String()
}

// ServeHTTP answers the requests of a pull: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
func (i *Images) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	way := strings.TrimPrefix(request.URL.Path, "/v2/")
	repository, reference := path.Split(way)
	switch kind := path.Base(repository); {
	case way == "":
		return
	case kind == "manifests" && !strings.HasPrefix(reference, "sha256:"):
		i.manifest(response, request, path.Dir(path.Clean(repository))+":"+reference)
	case kind == "manifests" || kind == "blobs":
		i.serve(response, request, descriptor{Digest: reference, MediaType: i.mediaTypes[reference]})
	default:
		http.NotFound(response, request)
	}
}

func (i *Images) manifest(response http.ResponseWriter, request *http.Request, wanted string) {
	for name, one := range i.byName {
		if _, withoutHost, _ := strings.Cut(name, "/"); withoutHost == wanted {
			i.serve(response, request, one)
			return
		}
	}
	http.Error(response, "no such image", http.StatusNotFound)
}

func (i *Images) serve(response http.ResponseWriter, request *http.Request, one descriptor) {
	content, known := i.blobs[one.Digest]
	if !known {
		http.Error(response, "no such blob", http.StatusNotFound)
		return
	}
	mediaType := one.MediaType
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	response.Header().Set("Content-Type", mediaType)
	response.Header().Set("Docker-Content-Digest", one.Digest)
	http.ServeContent(response, request, "", time.Time{}, content())
}
