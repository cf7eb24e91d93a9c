package serve

import (
	"os"
	"slices"
	"testing"
)

func TestACharacterOfWhichAPartIsWrittenIsLeftForTheNextRead(t *testing.T) {
	for content, want := range map[string]string{
		"":          "",
		"a":         "a",
		"aé":        "aé",
		"a\xc3":     "a",
		"a\xe2\x82": "a",
		"a€":        "a€",
		"\xf0\x9f":  "",
		"a\xff":     "a\xff", // cannot start a character: the lab shows a replacement character
	} {
		if got := string(wholeCharacters([]byte(content))); got != want {
			t.Errorf("%q: got %q, want %q", content, got, want)
		}
	}
}

func TestWriteFiles(t *testing.T) {
	folder := t.TempDir()
	text, bytes := "plain", "e/99"
	done, err := writeFiles([]file{
		{NodePath: folder + "/text", Content: &text},
		{NodePath: folder + "/bytes", Content: &bytes, Encoding: "base64"},
		{NodePath: folder + "/text", Remove: true, MustExist: true},
		{NodePath: folder + "/text", Remove: true, MustExist: true},
		{NodePath: folder + "/bytes/below", Remove: true, MustExist: true},
		{NodePath: folder + "/text", Remove: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{folder + "/text", folder + "/bytes/below"}; !slices.Equal(done.Absent, want) {
		t.Errorf("not there: got %q, want %q", done.Absent, want)
	}
	content, err := os.ReadFile(folder + "/bytes")
	if err != nil || string(content) != "{\xff}" {
		t.Errorf("got %q, %v", content, err)
	}
}
