package serve

import "testing"

func TestUnitWordsAreWhatSystemdGivesToTheProgram(t *testing.T) {
	for _, one := range []struct {
		words []string
		want  string
	}{
		{[]string{"/usr/local/bin/containerd"}, `"/usr/local/bin/containerd"`},
		{[]string{"a b", `c"d`, `e\f`}, `"a b" "c\"d" "e\\f"`},
		{[]string{"100%", "$HOME"}, `"100%%" "$$HOME"`}, // no specifier, and no variable
		{[]string{""}, `""`},
	} {
		if got := unitWords(one.words); got != one.want {
			t.Errorf("unitWords(%q) = %s, want %s", one.words, got, one.want)
		}
	}
}
