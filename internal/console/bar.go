// Package console shows people at a terminal how work goes: progress bars, and
// what a training reports.
package console

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/train"
)

// Unit is what a bar counts.
type Unit string

// The units of bars.
const (
	Steps  Unit = ""
	Images Unit = "images"
	Bytes  Unit = "MB"
)

// Bar is a progress bar on the last line of a terminal; elsewhere it is a line
// now and then. A nil Bar draws nothing.
type Bar struct {
	w     io.Writer
	width func() int
	every time.Duration
	unit  Unit
	text  string
	began time.Time
	drawn time.Time
}

// NewBar returns a bar on w, a terminal of so many columns. Without a width w is
// no terminal, and gets a line every so often; none if that is 0. text stands
// before the bar.
func NewBar(w io.Writer, width func() int, every time.Duration, text string, unit Unit) *Bar {
	if width == nil && every <= 0 {
		return nil
	}
	return &Bar{w: w, width: width, every: every, unit: unit, text: text, began: time.Now()}
}

// Describe changes the text before the bar: fields with two spaces between
// them, the first of which are the most important.
func (b *Bar) Describe(text string) {
	if b != nil {
		b.text = text
	}
}

// Set draws how much is done; a total below 1 is unknown. It draws a few times a
// second, however often it is called.
func (b *Bar) Set(done, total int64) {
	const pause = 100 * time.Millisecond
	switch {
	case b == nil:
	case b.width == nil:
		last := b.drawn
		if last.IsZero() {
			last = b.began
		}
		if time.Since(last) >= b.every {
			b.drawn = time.Now()
			fmt.Fprintln(b.w, b.plain(done, total, time.Since(b.began)))
		}
	case time.Since(b.drawn) >= pause:
		b.drawn = time.Now()
		fmt.Fprint(Cursor(b.w), "\r", b.line(done, total, time.Since(b.began)), clearRest)
	}
}

// Clear takes the bar away, so that a line can be written.
func (b *Bar) Clear() {
	if b != nil && b.width != nil && !b.drawn.IsZero() {
		fmt.Fprint(Cursor(b.w), "\r", clearRest)
		b.drawn = time.Time{}
	}
}

// plain returns what is written where there is no terminal.
func (b *Bar) plain(done, total int64, spent time.Duration) string {
	counts := b.counts(done, total, spent)
	if b.text == "" {
		return counts
	}
	return b.text + "  " + counts
}

// clearRest is the ANSI code that clears the line from the cursor on.
const clearRest = "\x1b[K"

// line returns what is drawn, shorter than the terminal: the bar gives way
// first, then the last fields of the text.
func (b *Bar) line(done, total int64, spent time.Duration) string {
	const longest, shortest = 20, 5
	room := max(0, b.width()-1)
	counts := b.counts(done, total, spent)
	fields := strings.Split(b.text, "  ")
	for n := len(fields); n >= 0; n-- {
		text := strings.Join(fields[:n], "  ")
		if n > 0 && text != "" {
			text += "  "
		}
		left := room - len(text) - len(counts)
		switch {
		case total > 0 && left >= shortest+3:
			return text + bar(done, total, min(longest, left-3)) + " " + counts
		case left >= 0 && (n <= 1 || total <= 0):
			return text + counts
		}
	}
	return counts[:min(room, len(counts))]
}

// bar draws how much of total is done in so many columns and two brackets.
func bar(done, total int64, columns int) string {
	full := int(done * int64(columns) / total)
	full = max(0, min(columns, full))
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", columns-full) + "]"
}

// counts says how much is done, how fast, and how long the rest will take.
func (b *Bar) counts(done, total int64, spent time.Duration) string {
	if b.unit == Steps {
		return fmt.Sprintf("%d/%d", done, total)
	}
	amount := func(n float64) string { return fmt.Sprint(int64(n)) }
	if b.unit == Bytes {
		amount = func(n float64) string { return fmt.Sprintf("%.1f", n/1e6) }
	}
	text := amount(float64(done))
	if total > 0 {
		text += "/" + amount(float64(total))
	}
	text += " " + string(b.unit)
	const soon = time.Second / 2 // for a rate to mean anything
	if spent >= soon && done > 0 {
		rate := float64(done) / spent.Seconds()
		if b.unit == Bytes {
			text += fmt.Sprintf(", %.1f MB/s", rate/1e6)
		} else {
			text += fmt.Sprintf(", %s/s", speed(rate))
		}
		if total > done {
			text += ", " + train.Brief(time.Duration(float64(total-done)/rate*float64(time.Second))) + " left"
		}
	}
	return text
}
