package console

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestABarFitsTheTerminal(t *testing.T) {
	const text = "epoch 3/90  loss 1.250  top-1 50.0%  12 images/s  1m00s left"
	for width, want := range map[int]string{
		120: "epoch 3/90  loss 1.250  top-1 50.0%  12 images/s  1m00s left  [=====               ] 5/20",
		80:  "epoch 3/90  loss 1.250  top-1 50.0%  12 images/s  1m00s left  [==        ] 5/20",
		70:  "epoch 3/90  loss 1.250  top-1 50.0%  12 images/s  [===         ] 5/20",
		40:  "epoch 3/90  loss 1.250  [==      ] 5/20",
		20:  "epoch 3/90  5/20",
		8:   "5/20",
		3:   "5/",
		0:   "",
	} {
		b := NewBar(nil, func() int { return width }, 0, text, Steps)
		if got := b.line(5, 20, time.Second); got != want || len(got) >= max(1, width) {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}

func TestABarTellsHowFastAndHowLong(t *testing.T) {
	for _, c := range []struct {
		unit        Unit
		done, total int64
		want        string
	}{
		{Images, 50, 200, "eval  [=====               ] 50/200 images, 25/s, 6s left"},
		{Images, 3, 200, "eval  [                    ] 3/200 images, 1.5/s, 2m11s left"},
		{Images, 0, 200, "eval  [                    ] 0/200 images"},
		{Images, 200, 200, "eval  [====================] 200/200 images, 100/s"},
		{Bytes, 3e6, 108e6, "eval  [                    ] 3.0/108.0 MB, 1.5 MB/s, 1m10s left"},
		{Bytes, 3e6, -1, "eval  3.0 MB, 1.5 MB/s"},
	} {
		b := NewBar(nil, func() int { return 100 }, 0, "eval", c.unit)
		if got := b.line(c.done, c.total, 2*time.Second); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.done, c.total, got, c.want)
		}
	}
}

func TestABarLeavesTheLineEmpty(t *testing.T) {
	var out bytes.Buffer
	b := NewBar(&out, func() int { return 60 }, 0, "eval", Images)
	b.Clear() // nothing is drawn yet
	b.Set(1, 10)
	b.Set(2, 10) // too soon
	b.Clear()
	b.Clear()
	if text := out.String(); strings.Count(text, "\r") != 2 || !strings.HasSuffix(text, "\r"+clearRest) ||
		!strings.HasPrefix(text, "\reval  [==  ") || strings.Contains(text, "\n") {
		t.Errorf("wrote %q", text)
	}
	var none *Bar
	none.Describe("x")
	none.Set(1, 2)
	none.Clear()
	if NewBar(&out, nil, 0, "eval", Images) != nil {
		t.Error("there is a bar without a terminal")
	}
}

func TestABarIsALineNowAndThenWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	b := NewBar(&out, nil, time.Minute, "eval", Images)
	b.Set(1, 10) // too soon
	b.began = b.began.Add(-time.Minute)
	b.Set(5, 10)
	b.Set(6, 10) // too soon again
	b.Clear()
	if got := out.String(); got != "eval  5/10 images, 0.083/s, 1m00s left\n" {
		t.Errorf("wrote %q", got)
	}
}
