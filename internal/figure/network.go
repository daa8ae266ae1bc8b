package figure

import (
	"fmt"
	"github.com/inception-go/inception/internal/ops"
	"html"
	"io"
	"strings"

	"github.com/inception-go/inception/internal/model"
)

// The sizes of a network's picture in pixels.
const (
	boxWidth, boxHeight = 112, 38
	columnWidth         = boxWidth + 14
	levelHeight         = boxHeight + 26
	barHeight           = 26
	panelLeast          = 190 // the least width of a module
	panelGap            = 52  // between modules, for the arrow
	captionHeight       = 62  // below each module
	pictureWidth        = 2120
	pictureMargin       = 30
	titleHeight         = 46
)

// WriteNetwork draws a network as SVG in the style of the figures of Szegedy et
// al. 2015: a panel for each module, in which branches rise from the base to
// the filter concatenation. Auxiliary heads have a dashed frame.
func WriteNetwork(w io.Writer, title string, imageSize int, layers []ops.Layer) error {
	modules := model.Modules(layers)
	total := int64(0)
	for _, m := range modules {
		if !m.Aux {
			total += m.MACs
		}
	}
	var body strings.Builder
	y := pictureMargin + titleHeight
	width := 0
	for _, row := range rowsOf(layers, modules, imageSize) {
		tall := 0
		for _, p := range row {
			tall = max(tall, p.height())
		}
		x := pictureMargin
		for i, p := range row {
			p.draw(&body, layers, x, y+tall, total)
			if !p.module.Aux {
				into := i < len(row)-1 && !row[i+1].module.Aux
				p.drawArrows(&body, x, y+tall, i == 0, into)
			}
			x += p.width() + panelGap
		}
		width = max(width, x-panelGap+pictureMargin)
		y += tall + captionHeight + 20
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`font-family="sans-serif" font-size="12" text-anchor="middle">
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">`+
		`<path d="M0 0L8 4L0 8z" fill="#444"/></marker></defs>
<style>.conv{fill:#cfe2f3}.pool{fill:#f4cccc}.concat{fill:#d9ead3}.base{fill:#eee}.head{fill:#fff2cc} `+
		`rect{stroke:#555} path{stroke:#444;fill:none;marker-end:url(#tip)}</style>
<rect width="100%%" height="100%%" style="fill:#fff;stroke:none"/>
<text x="%d" y="%d" font-size="22" text-anchor="start">%s</text>
%s</svg>
`, width, y, width, y, pictureMargin, pictureMargin+18, html.EscapeString(title), body.String())
	return err
}

// rowsOf breaks the panels of modules into rows.
func rowsOf(layers []ops.Layer, modules []model.Module, imageSize int) [][]panel {
	var rows [][]panel
	width := pictureWidth + 1
	for _, m := range modules {
		p := layOut(layers, m)
		p.image = imageSize
		if width+panelGap+p.width() > pictureWidth {
			rows, width = append(rows, nil), 2*pictureMargin-panelGap
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], p)
		width += panelGap + p.width()
	}
	return rows
}

// height is that of the drawing above the base's lower edge.
func (p panel) height() int { return barHeight + p.levels*levelHeight }

func (p panel) width() int { return max(panelLeast, int(p.columns*columnWidth)) }

// center returns the middle of a column in a panel whose left edge is x.
func (p panel) center(x int, column float64) float64 {
	return float64(x) + float64(p.width())/2 + (column-p.columns/2)*columnWidth
}

// top returns the upper edge of what is drawn at a level; the base, whose lower
// edge is bottom, is level 0.
func top(bottom, level int) int {
	return bottom - barHeight - level*levelHeight
}

// draw draws a module with its left edge at x and its base's lower edge at
// bottom; total is what its multiply-adds are a share of.
func (p panel) draw(b *strings.Builder, layers []ops.Layer, x, bottom int, total int64) {
	dash := ""
	if p.module.Aux {
		dash = ` stroke-dasharray="5 3"`
	}
	base := "Image"
	size := [3]int{3, p.image, p.image}
	if in := p.module.Input; in >= 0 {
		base, size = "Base", layers[in].Output
		if p.module.Aux {
			base = layers[in].Name
		}
	}
	bar(b, "base", x, top(bottom, 0), p.width(), base+" "+shape(size), dash)
	for _, e := range p.edges {
		e.draw(b, &p, x, bottom)
	}
	for _, n := range p.nodes {
		l := layers[n.layer]
		if l.Op == ops.OpConcat {
			bar(b, "concat", x, top(bottom, n.level)+boxHeight-barHeight, p.width(), "Filter concat "+shape(l.Output), dash)
			continue
		}
		box(b, l, layers, p.center(x, n.column), top(bottom, n.level), dash)
	}
	p.caption(b, x+p.width()/2, bottom, total)
}

// caption writes the module's name and cost below it.
func (p panel) caption(b *strings.Builder, x, y int, total int64) {
	fmt.Fprintf(b, `<text x="%d" y="%d" font-size="15" font-weight="bold">%s</text>`,
		x, y+20, html.EscapeString(p.module.Name))
	if p.module.Params == 0 {
		return
	}
	share := fmt.Sprintf("%.1f%% of the MACs", 100*float64(p.module.MACs)/float64(max(1, total)))
	if p.module.Aux {
		share = "in training only"
	}
	fmt.Fprintf(b, `<text x="%d" y="%d">%s parameters</text><text x="%d" y="%d">%s</text>`+"\n",
		x, y+37, millions(p.module.Params), x, y+53, share)
}

// box draws a layer with its middle at x and its upper edge at y.
func box(b *strings.Builder, l ops.Layer, layers []ops.Layer, x float64, y int, dash string) {
	kind, lines := textOf(l, layers)
	fmt.Fprintf(b, `<g><title>%s</title><rect class="%s" x="%.0f" y="%d" width="%d" height="%d" rx="3"%s/>`,
		html.EscapeString(l.Name), kind, x-boxWidth/2, y, boxWidth, boxHeight, dash)
	line := y + boxHeight/2 + 4
	if len(lines) > 1 {
		line -= 7
	}
	for _, text := range lines {
		fmt.Fprintf(b, `<text x="%.0f" y="%d">%s</text>`, x, line, html.EscapeString(text))
		line += 15
	}
	b.WriteString("</g>\n")
}

func bar(b *strings.Builder, kind string, x, y, width int, text, dash string) {
	fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d"%s/><text x="%d" y="%d">%s</text>`+"\n",
		kind, x, y, width, barHeight, dash, x+width/2, y+barHeight/2+4, html.EscapeString(text))
}

// draw draws an arrow from the lower layer's upper edge to the upper one's
// lower edge; those to and from a bar run straight up.
func (e edge) draw(b *strings.Builder, p *panel, x, bottom int) {
	from, to := p.center(x, e.from.column), p.center(x, e.to.column)
	y1, y2 := top(bottom, e.from.level), top(bottom, e.to.level)+boxHeight
	switch {
	case e.from.bar:
		if from = to; e.to.bar {
			from = p.center(x, e.column)
			to = from
		}
		if e.from.level > 0 {
			y1 = top(bottom, e.from.level) + boxHeight - barHeight
		}
	case e.to.bar && e.column != e.from.column: // around what else the layer feeds
		to = p.center(x, e.column)
		fmt.Fprintf(b, `<path d="M%.0f %dL%.0f %dV%d"/>`, from, y1, to, y1-(levelHeight-boxHeight), y2)
		return
	case e.to.bar:
		to = from
	}
	fmt.Fprintf(b, `<path d="M%.0f %dL%.0f %d"/>`, from, y1, to, y2)
}

// drawArrows draws the arrow from the module's result to the next module's
// base, or out of the picture's row, and where it is the first of a row the
// one into it.
func (p panel) drawArrows(b *strings.Builder, x, bottom int, first, next bool) {
	base := top(bottom, 0) + barHeight/2
	if first && p.module.Input >= 0 {
		fmt.Fprintf(b, `<path d="M%d %dH%d"/>`, x-pictureMargin+6, base, x)
	}
	last := p.nodes[len(p.nodes)-1]
	if p.last {
		return
	}
	from, y := p.center(x, last.column)+boxWidth/2, top(bottom, last.level)+boxHeight/2
	if last.bar {
		from, y = float64(x+p.width()), top(bottom, last.level)+boxHeight-barHeight/2
	}
	right := x + p.width()
	if next {
		fmt.Fprintf(b, `<path d="M%.0f %dH%dV%dH%d"/>`, from, y, right+panelGap/2, base, right+panelGap)
		return
	}
	fmt.Fprintf(b, `<path d="M%.0f %dH%d"/>`, from, y, right+24)
}

// textOf returns what is written into a layer's box, and its colour.
func textOf(l ops.Layer, layers []ops.Layer) (kind string, lines []string) {
	window := fmt.Sprintf("%d×%d", l.R, l.S)
	size := ""
	if in := l.Inputs[0]; in < 0 || layers[in].Output[1] != l.Output[1] {
		size = fmt.Sprintf("%d×%d", l.Output[1], l.Output[2])
	}
	stride := ""
	if l.StrideH > 1 {
		stride = fmt.Sprintf(" stride %d", l.StrideH)
	}
	switch l.Op {
	case ops.OpConv:
		depth := fmt.Sprint(l.Output[0])
		if size != "" {
			depth += " @ " + size
		}
		if l.Groups > 1 {
			return "conv", []string{window + " depthwise", depth}
		}
		return "conv", []string{window + stride, depth}
	case ops.OpMaxPool, ops.OpAvgPool:
		name := strings.ReplaceAll(string(l.Op), "_", " ") + " " + window
		if stride == "" {
			return "pool", []string{name}
		}
		return "pool", []string{name, strings.TrimSpace(stride) + " @ " + size}
	case ops.OpGlobalAvgPool:
		return "pool", []string{"global avg pool", fmt.Sprint(l.Output[0])}
	case ops.OpLinear:
		return "head", []string{"fully connected", fmt.Sprint(l.Output[0])}
	case ops.OpDropout:
		return "head", []string{string(l.Op)}
	}
	kind = "head"
	if l.Op.IsPool() {
		kind = "pool"
	}
	return kind, []string{strings.ReplaceAll(string(l.Op), "_", " "), shape(l.Output)}
}

// shape writes an activation's size as the paper does: the grid, then the
// channels.
func shape(s [3]int) string { return fmt.Sprintf("%d×%d×%d", s[1], s[2], s[0]) }

func millions(n int) string {
	if n >= 1e6 {
		return fmt.Sprintf("%.2f M", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f k", float64(n)/1e3)
}
