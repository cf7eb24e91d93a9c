package jsontext

import (
	"encoding/json"
	"testing"
)

func TestEveryByteIsKept(t *testing.T) {
	for text, want := range map[string]string{
		"":                     `""`,
		"plain é \n":           `"plain é \n"`,
		"\xff\xfe":             `"\udcff\udcfe"`,
		"a\xffb\ufffdc":        "\"a\\udcffb\ufffdc\"",
		"\xc3":                 `"\udcc3"`,
		"\xed\xa0\x80":         `"\udced\udca0\udc80"`,
		"\x00\x1b\xf0\x9f\x98": `"\u0000\u001b\udcf0\udc9f\udc98"`,
	} {
		got, err := json.Marshal(map[string]Text{"t": Text(text)})
		if err != nil || string(got) != `{"t":`+want+`}` {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
}
