package figure

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/evaluate"
)

// heatClasses is the most classes that a heat map can show legibly.
const heatClasses = 40

// ConfusionSVG draws a confusion matrix, [true class][predicted class], as a
// heat map: each cell's colour is its share of its row. Of more than 40
// classes it shows those with the most mistakes, which shown lists.
func ConfusionSVG(labels []string, counts [][]int) (svg string, shown []int) {
	shown = mostMistaken(counts)
	const cell = 22
	margin := 20
	for _, class := range shown {
		margin = max(margin, 12+7*len([]rune(short(labels[class]))))
	}
	n := len(shown)
	var b strings.Builder
	side := margin + n*cell + 10
	b.WriteString(svgBegin(side, side))
	for i, class := range shown {
		at := margin + i*cell
		label := html.EscapeString(short(labels[class]))
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, margin-6, at+cell/2+4, label)
		fmt.Fprintf(&b, `<text transform="translate(%d %d) rotate(-90)">%s</text>`, at+cell/2+4, margin-6, label)
	}
	for i, class := range shown {
		total := 0
		for _, c := range counts[class] {
			total += c
		}
		for j, to := range shown {
			heatCell(&b, margin+j*cell, margin+i*cell, cell, counts[class][to], total,
				fmt.Sprintf("%s taken for %s", labels[class], labels[to]), i == j)
		}
	}
	b.WriteString("</svg>")
	return b.String(), shown
}

// svgBegin is the beginning of a drawing of so many pixels.
func svgBegin(width, height int) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`font-family="sans-serif" font-size="11">`, width, height, width, height)
}

func heatCell(b *strings.Builder, x, y, size, count, total int, what string, right bool) {
	share := float64(count) / math.Max(1, float64(total))
	// White to blue where it is right, to orange where it is not.
	full := [3]float64{213, 94, 0}
	if right {
		full = [3]float64{0, 114, 178}
	}
	strength := math.Sqrt(share) // rare mistakes stay visible
	var color [3]int
	for c := range color {
		color[c] = int(255 + strength*(full[c]-255))
	}
	fmt.Fprintf(b, `<g><title>%s: %d of %d</title>`+
		`<rect x="%d" y="%d" width="%d" height="%d" fill="#%02x%02x%02x" stroke="#ddd"/>`,
		html.EscapeString(what), count, total, x, y, size, size, color[0], color[1], color[2])
	if count > 0 {
		ink := "#222"
		if strength > 0.6 {
			ink = "#fff"
		}
		font := 11
		if count > 999 {
			font = 8
		}
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" font-size="%d" fill="%s">%d</text>`,
			x+size/2, y+size/2+4, font, ink, count)
	}
	b.WriteString("</g>")
}

// mostMistaken returns all classes, or those with the most mistakes in order
// of their index.
func mostMistaken(counts [][]int) []int {
	mistakes := make([]int, len(counts))
	for class, row := range counts {
		for to, n := range row {
			if to != class {
				mistakes[class] += n
				mistakes[to] += n
			}
		}
	}
	order := make([]int, len(counts))
	for i := range order {
		order[i] = i
	}
	if len(order) <= heatClasses {
		return order
	}
	slices.SortStableFunc(order, func(a, b int) int { return mistakes[b] - mistakes[a] })
	order = order[:heatClasses]
	slices.Sort(order)
	return order
}

// short cuts a label to what fits beside a heat map.
func short(label string) string {
	label, _, _ = strings.Cut(label, ",")
	if r := []rune(label); len(r) > 18 {
		return string(r[:17]) + "…"
	}
	return label
}

// ReliabilitySVG draws a reliability diagram: accuracy over confidence, with
// the diagonal on which the two agree, and below it where the images are.
func ReliabilitySVG(bins []evaluate.Bin) string {
	const left, top, side, below = 44, 10, 320, 60
	var b strings.Builder
	b.WriteString(svgBegin(left+side+10, top+side+below+50))
	x := func(v float64) float64 { return left + side*v }
	y := func(v float64) float64 { return top + side*(1-v) }
	most := 1
	for _, bin := range bins {
		most = max(most, bin.Images)
	}
	for i := range 6 {
		v := float64(i) / 5
		fmt.Fprintf(&b, `<path d="M%.1f %.1fh%d M%.1f %dv%d" stroke="#ddd"/>`, x(0), y(v), side, x(v), top, side)
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">%.1f</text>`+
			`<text x="%.1f" y="%d" text-anchor="middle">%.1f</text>`,
			left-6, y(v)+4, v, x(v), top+side+below+20, v)
	}
	for _, bin := range bins {
		if bin.Images == 0 {
			continue
		}
		width := x(bin.To) - x(bin.From) - 2
		tall := below * float64(bin.Images) / float64(most)
		fmt.Fprintf(&b, `<g><title>%.0f%% to %.0f%%: %d images, mean %.1f%%, accuracy %.1f%%</title>`,
			100*bin.From, 100*bin.To, bin.Images, 100*bin.Confidence, 100*bin.Accuracy)
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#0072b2"/>`,
			x(bin.From)+1, y(bin.Accuracy), width, side*bin.Accuracy)
		fmt.Fprintf(&b, `<path d="M%.1f %.1fV%.1f" stroke="#d55e00" stroke-width="3"/>`,
			x(bin.Confidence), y(bin.Accuracy), y(bin.Confidence))
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#999"/></g>`,
			x(bin.From)+1, float64(top+side+6+below)-tall, width, tall)
	}
	fmt.Fprintf(&b, `<path d="M%.1f %.1fL%.1f %.1f" stroke="#555" stroke-dasharray="4 3"/>`, x(0), y(0), x(1), y(1))
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">probability of the predicted class; grey: images</text>`,
		left+side/2, top+side+below+38)
	fmt.Fprintf(&b, `<text transform="translate(12 %d) rotate(-90)" text-anchor="middle">`+
		`accuracy; orange: its distance</text></svg>`, top+side/2)
	return b.String()
}
