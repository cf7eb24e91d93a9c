// Package jsontext writes bytes as JSON without loss. encoding/json replaces every byte that is not UTF-8 with
// U+FFFD, so that two different outputs would look the same.
package jsontext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Text is a text in which each byte that is not UTF-8 becomes half a surrogate pair, U+DC80 to U+DCFF, as in Python's
// PEP 383. The other side is lab/core/content.ts.
type Text string

func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	var out bytes.Buffer
	out.WriteByte('"')
	rest := string(t)
	for rest != "" {
		valid := validPrefix(rest)
		if valid == 0 {
			fmt.Fprintf(&out, `\udc%02x`, rest[0])
			rest = rest[1:]
			continue
		}
		quoted, err := json.Marshal(rest[:valid])
		if err != nil {
			return nil, err
		}
		out.Write(quoted[1 : len(quoted)-1])
		rest = rest[valid:]
	}
	out.WriteByte('"')
	return out.Bytes(), nil
}

func validPrefix(text string) int {
	for at := 0; at < len(text); {
		character, size := utf8.DecodeRuneInString(text[at:])
		if character == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
	return len(text)
}
