package main

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/evaluate"
)

func TestWhatIsUndefinedOfAClassIsADash(t *testing.T) {
	var out bytes.Buffer
	s := &session{stdout: &out}
	s.printClasses(evaluate.Result{Labels: []string{"rose", "tulip", "daisy"},
		Confusion: [][]int{{2, 0, 1}, {1, 0, 0}, {0, 0, 0}}})
	for _, want := range []string{
		`(?m)^rose +3 +66\.7% +66\.7% +66\.7%$`, `(?m)^tulip +1 +- +0\.0% +0\.0%$`, `(?m)^daisy +0 +0\.0% +- +0\.0%$`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

func TestTheDocumentationNamesEveryFieldThatEvalPrints(t *testing.T) {
	page, err := os.ReadFile("../../docs/evaluation.md")
	if err != nil {
		t.Fatal(err)
	}
	_, documented, _ := strings.Cut(string(page), "`--json` prints ")
	documented, _, _ = strings.Cut(documented, "\n\n")
	before, rest, _ := strings.Cut(documented, "[{")
	members, after, _ := strings.Cut(rest, "}]")
	for text, of := range map[string]reflect.Type{
		before + after: reflect.TypeFor[evalReport](), members: reflect.TypeFor[memberReport](),
	} {
		names := regexp.MustCompile(`[a-z_0-9]+`).FindAllString(text, -1)
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if !slices.Contains(names, name) {
				t.Errorf("docs/evaluation.md lacks %s of %v in %q", name, of, text)
			}
		}
	}
}
