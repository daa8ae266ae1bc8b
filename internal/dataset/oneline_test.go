package dataset

import (
	"errors"
	"strings"
	"testing"
)

func TestANameIsOneLine(t *testing.T) {
	name := "b\nwarning: forged\t.png"
	for _, text := range []string{OneLine(name), (&ImageError{name, errors.New("why")}).Error(),
		DescribeLeftOut([]LeftOut{{Reason: "hidden", Files: 1, Example: name}})} {
		if strings.ContainsAny(text, "\n\t") || !strings.Contains(text, `b\u000awarning: forged\u0009.png`) {
			t.Errorf("%q", text)
		}
	}
}
