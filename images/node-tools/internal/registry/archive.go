package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Images are those of one archive, by their full names, with all their blobs. Blobs stay in the file.
type Images struct {
	byName     map[string]descriptor
	blobs      map[string]func() io.ReadSeeker
	mediaTypes map[string]string
	close      func() error
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Annotations with the name of an image. The first is that of containerd and of Docker, and has the full name.
var nameAnnotations = []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"}

// Open reads an archive of images: that of the OCI, or what `docker save` writes, also compressed with gzip. The caller closes it.
func Open(archive string) (*Images, error) {
	images, err := open(archive)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", archive, err)
	}
	return images, nil
}

func open(archive string) (*Images, error) {
	file, err := plainFile(archive)
	if err != nil {
		return nil, err
	}
	images := &Images{map[string]descriptor{}, map[string]func() io.ReadSeeker{}, map[string]string{}, file.Close}
	if err := images.read(file); err != nil {
		file.Close()
		return nil, err
	}
	return images, nil
}

// Close ends the use of the archive.
func (i *Images) Close() error { return i.close() }

// plainFile opens a file. A compressed one is first written to a temporary file that has no name any more.
func plainFile(name string) (*os.File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	magic := make([]byte, 2)
	if _, err := file.ReadAt(magic, 0); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return file, nil
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	plain, err := os.CreateTemp("", "image")
	if err != nil {
		return nil, err
	}
	os.Remove(plain.Name())
	if _, err := io.Copy(plain, unpacked); err != nil {
		plain.Close()
		return nil, err
	}
	_, err = plain.Seek(0, io.SeekStart)
	return plain, err
}

func (i *Images) read(file *os.File) error {
	entries, err := entriesOf(file)
	if err != nil {
		return err
	}
	for name, one := range entries {
		if strings.HasPrefix(name, "blobs/sha256/") {
			i.blobs["sha256:"+path.Base(name)] = one
		}
	}
	var index struct{ Manifests []descriptor }
	if err := readJSON(entries, "index.json", &index); err != nil {
		return err
	}
	for _, one := range index.Manifests {
		for _, annotation := range nameAnnotations {
			if name := one.Annotations[annotation]; strings.ContainsAny(name, ":/") {
				i.add(name, one)
				break
			}
		}
	}
	if len(i.byName) == 0 {
		if err := i.readDocker(entries); err != nil {
			return err
		}
	}
	if len(i.byName) == 0 {
		return errors.New("it has no image with a name")
	}
	return nil
}

func (i *Images) add(name string, one descriptor) {
	i.byName[fullName(name)] = one
	i.mediaTypes[one.Digest] = one.MediaType
	// an image for several platforms is an index, whose manifests are pulled by their digests
	var index struct{ Manifests []descriptor }
	if content, known := i.blobs[one.Digest]; known && json.NewDecoder(content()).Decode(&index) == nil {
		for _, own := range index.Manifests {
			i.mediaTypes[own.Digest] = own.MediaType
		}
	}
}

// readDocker reads what `docker save` writes: https://github.com/moby/docker-image-spec. Its layers are not compressed, and it
// has no manifest that a registry could serve.
func (i *Images) readDocker(entries map[string]func() io.ReadSeeker) error {
	var images []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := readJSON(entries, "manifest.json", &images); err != nil {
		return err
	}
	for _, image := range images {
		if len(image.RepoTags) == 0 {
			continue
		}
		config, err := i.addFile(entries, image.Config, "application/vnd.docker.container.image.v1+json")
		if err != nil {
			return err
		}
		manifest := struct {
			SchemaVersion int          `json:"schemaVersion"`
			MediaType     string       `json:"mediaType"`
			Config        descriptor   `json:"config"`
			Layers        []descriptor `json:"layers"`
		}{2, "application/vnd.docker.distribution.manifest.v2+json", config, nil}
		for _, name := range image.Layers {
			layer, err := i.addFile(entries, name, "application/vnd.docker.image.rootfs.diff.tar")
			if err != nil {
				return err
			}
			manifest.Layers = append(manifest.Layers, layer)
		}
		text, err := json.Marshal(manifest)
		if err != nil {
			return err
		}
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(text))
		i.blobs[digest] = func() io.ReadSeeker { return bytes.NewReader(text) }
		for _, name := range image.RepoTags {
			i.add(name, descriptor{MediaType: manifest.MediaType, Digest: digest})
		}
	}
	return nil
}

func (i *Images) addFile(entries map[string]func() io.ReadSeeker, name, mediaType string) (descriptor, error) {
	open, known := entries[name]
	if !known {
		return descriptor{}, fmt.Errorf("%s is missing", name)
	}
	sum := sha256.New()
	size, err := io.Copy(sum, open())
	if err != nil {
		return descriptor{}, err
	}
	digest := fmt.Sprintf("sha256:%x", sum.Sum(nil))
	i.blobs[digest] = open
	return descriptor{MediaType: mediaType, Digest: digest, Size: size}, nil
}

// entriesOf returns the files of a tar file by their clean names. A link of `docker save` is the file that it leads to.
func entriesOf(file *os.File) (map[string]func() io.ReadSeeker, error) {
	found := map[string]func() io.ReadSeeker{}
	links := map[string]string{}
	for entries := tar.NewReader(file); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(path.Clean("/"+entry.Name), "/")
		switch entry.Typeflag {
		case tar.TypeSymlink:
			links[name] = path.Join(path.Dir(name), entry.Linkname)
		case tar.TypeReg:
			start, err := file.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			size := entry.Size
			found[name] = func() io.ReadSeeker { return io.NewSectionReader(file, start, size) }
		}
	}
	for name, target := range links {
		if open, known := found[target]; known {
			found[name] = open
		}
	}
	return found, nil
}

// readJSON does nothing if there is no such file.
func readJSON(entries map[string]func() io.ReadSeeker, name string, into any) error {
	open, known := entries[name]
	if !known {
		return nil
	}
	if err := json.NewDecoder(open()).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// fullName returns a name as containerd stores it: with its host, and with a tag.
func fullName(name string) string {
	host, _, hasHost := strings.Cut(name, "/")
	switch {
	case !hasHost:
		name = "docker.io/library/" + name
	case host != "localhost" && !strings.ContainsAny(host, ".:"):
		name = "docker.io/" + name
	}
	if !strings.Contains(path.Base(name), ":") {
		name += ":latest"
	}
	return name
}
