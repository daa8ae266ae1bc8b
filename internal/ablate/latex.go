package ablate

import (
	"fmt"
	"io"
	"strings"
)

// writeLaTeX writes the tables for a paper, with booktabs' rules.
func (r *Result) writeLaTeX(w io.Writer) error {
	var b strings.Builder
	b.WriteString("% \\usepackage{booktabs,graphicx}\n\\begin{table}\n\\centering\\small\n")
	for _, g := range r.grids() {
		var align string
		var titles []string
		for _, c := range g.Columns {
			if c.Left {
				align += "l"
			} else {
				align += "r"
			}
			titles = append(titles, escapeLaTeX(c.Title))
		}
		fmt.Fprintf(&b, "\\resizebox{\\linewidth}{!}{%%\n\\begin{tabular}{@{}%s@{}}\n\\toprule\n%s \\\\\n\\midrule\n",
			align, strings.Join(titles, " & "))
		for _, cells := range g.Cells {
			var line []string
			for _, cell := range cells {
				line = append(line, escapeLaTeX(cell))
			}
			fmt.Fprintf(&b, "%s \\\\\n", strings.Join(line, " & "))
		}
		b.WriteString("\\bottomrule\n\\end{tabular}}\n\n")
	}
	fmt.Fprintf(&b, "\\caption{%s}\n\\label{tab:%s}\n\\end{table}\n", escapeLaTeX(r.Caption()), r.Suite)
	_, err := io.WriteString(w, b.String())
	return err
}

// latex replaces what LaTeX would take for commands.
var latex = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`,
	"{", `\{`,
	"}", `\}`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "±", `$\pm$`, "<=", `$\le$`, "<", `$<$`, ">", `$>$`)

// escapeLaTeX writes text for LaTeX; the minus of a number is one, and a single
// hyphen, for what is not known, a dash.
func escapeLaTeX(text string) string {
	if text == none {
		return "--"
	}
	text = latex.Replace(text)
	for _, before := range []string{"[", ", "} {
		text = strings.ReplaceAll(text, before+"-", before+"$-$")
	}
	if strings.HasPrefix(text, "-") {
		text = "$-$" + text[1:]
	}
	return text
}
