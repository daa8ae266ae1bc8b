package main

import (
	"bytes"
	"regexp"
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
