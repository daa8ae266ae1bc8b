package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestATerminalGetsNoControlCharacterOfAName(t *testing.T) {
	for name, want := range map[string]string{
		"straße, 猫\tand\n":           "straße, 猫\tand\n",
		"\x1b]0;title\x07\x1b[2Jcat": `\u001b]0;title\u0007\u001b[2Jcat`,
		"a\rb\x7f\x00":               `a\u000db\u007f\u0000`,
		"\u009b31m":                  `\u009b31m`, // one character that begins a sequence
		"\x9b31m\xff":                `\x9b31m\xff`,
		"gpj.\u202etxt":              `gpj.\u202etxt`,
	} {
		var out bytes.Buffer
		// A byte at a time, so that characters are cut.
		if _, err := io.Copy(struct{ io.Writer }{NewPlain(&out)}, iotest.OneByteReader(strings.NewReader(name+"."))); err != nil {
			t.Fatal(err)
		}
		if out.String() != want+"." {
			t.Errorf("%q is shown as %q, want %q", name, out.String(), want)
		}
		if !strings.Contains(want, `\x`) {
			var line bytes.Buffer
			_ = json.NewEncoder(NewPlain(&line)).Encode(name)
			var back string
			if err := json.Unmarshal(line.Bytes(), &back); err != nil || back != name {
				t.Errorf("%q comes out of JSON as %q, %v", name, back, err)
			}
		}
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAClosedStreamIsAnErrorOfItsWrites(t *testing.T) {
	if _, err := fmt.Fprintln(NewPlain(closed{}), "line"); err == nil {
		t.Error("a line into a closed pipe counts as written")
	}
}
