package root

import (
	"errors"
	"os"
	"testing"
)

func TestACopyOfEtcTakesFilesLinksAndFoldersAndLaterTreesWin(t *testing.T) {
	host, layer, etc := t.TempDir(), t.TempDir(), t.TempDir()
	err := errors.Join(
		os.Mkdir(host+"/a", 0o755), os.WriteFile(host+"/a/file", []byte("host"), 0o640), os.Symlink("a/file", host+"/link"),
		os.Mkdir(layer+"/a", 0o755), os.WriteFile(layer+"/a/file", []byte("layer"), 0o644), os.Symlink("a", layer+"/link"),
		copyTree(host, etc), copyTree(layer, etc),
	)
	content, readErr := os.ReadFile(etc + "/a/file")
	link, linkErr := os.Readlink(etc + "/link")
	if err := errors.Join(err, readErr, linkErr); err != nil || string(content) != "layer" || link != "a" {
		t.Errorf("got %q, %q, %v", content, link, err)
	}
}

func TestOverlayPathsMayHaveAnyCharacter(t *testing.T) {
	if got := escapeOverlay.Replace(`/a:b,c\d`); got != `/a\:b\,c\\d` {
		t.Errorf("got %q", got)
	}
}
