package textfile

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestJSONErrorsNameKeysAndNoGoTypes(t *testing.T) {
	var v struct {
		Width  float64          `json:"width"`
		Size   int              `json:"size"`
		Names  []string         `json:"names"`
		On     bool             `json:"on"`
		Inside *struct{ A int } `json:"inside"`
	}
	for text, want := range map[string]string{
		`{"width":"x"}`:       "width must be a number, is string",
		`{"size":1.5}`:        "size must be a whole number, is 1.5",
		`{"names":{}}`:        "names must be a list, is object",
		`{"names":[3]}`:       "names must be text, is number",
		`{"on":1}`:            "on must be true or false, is number",
		`{"inside":[]}`:       "inside must be an object, is array",
		`{"inside":{"A":{}}}`: "A must be a whole number, is object",
		`[]`:                  "it must be an object, is array",
		`{`:                   "unexpected end of JSON input",
	} {
		if err := JSONError(json.Unmarshal([]byte(text), &v)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if err := errors.New("other"); !errors.Is(JSONError(err), err) || JSONError(nil) != nil {
		t.Error("other errors are changed")
	}
}
