package serve

import "testing"

func TestACharacterOfWhichAPartIsWrittenIsLeftForTheNextRead(t *testing.T) {
	for content, want := range map[string]string{
		"":          "",
		"a":         "a",
		"aé":        "aé",
		"a\xc3":     "a",
		"a\xe2\x82": "a",
		"a€":        "a€",
		"\xf0\x9f":  "",
		"a\xff":     "a\xff", // never the start of one: the lab shows it as a replacement character
	} {
		if got := string(wholeCharacters([]byte(content))); got != want {
			t.Errorf("%q: got %q, want %q", content, got, want)
		}
	}
}
