package evaluate

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/jpeg"
	"io"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/report"
)

//go:embed page.html
var pageText string

// Fact is a line at the head of a page: a name and what it is.
type Fact [2]string

// The pairs of classes, the pictures and their height in pixels on a page.
const pagePairs, pagePictures, pageHeight = 12, 24, 160

// WritePage writes a page of HTML that needs no other file: the figures, a
// reliability diagram, the confusion matrix, and the pictures of set with the
// worst mistakes.
func (r Result) WritePage(w io.Writer, title string, facts []Fact, set dataset.Set) error {
	heat, shown := report.ConfusionSVG(r.Labels, r.Confusion)
	wrong := r.Mistakes()
	wrong = wrong[:min(pagePictures, len(wrong))]
	page := struct {
		Result
		Title         string
		Facts         []Fact
		Diagram, Heat template.HTML
		Shown         int
		Left          bool // some classes are not in the heat map
		Confused      []Confused
		Wrong         []mistake
		Scores        []ClassScore
		Macro         ClassScore
	}{
		Result: r, Title: title, Facts: append(r.facts(), facts...),
		Diagram: template.HTML(report.ReliabilitySVG(r.Reliability)), Heat: template.HTML(heat),
		Shown: len(shown), Left: len(shown) < len(r.Labels),
		Confused: r.MostConfused(pagePairs), Scores: r.PerClass(), Macro: r.MacroAverage(),
	}
	for _, p := range wrong {
		page.Wrong = append(page.Wrong, mistake{p, set.Name(p.Index), thumbnail(set, p.Index)})
	}
	t, err := template.New("page").Funcs(template.FuncMap{
		"percent": func(v float64) string { return fmt.Sprintf("%.2f%%", 100*v) },
		"label":   func(class int) string { return r.Labels[class] },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, page)
}

func (r Result) facts() []Fact {
	images := fmt.Sprint(r.Images)
	if n := len(r.Skipped); n > 0 {
		images += fmt.Sprintf(", and %d that could not be read", n)
	}
	return []Fact{
		{"top-1", fmt.Sprintf("%.2f%%", 100*r.Top1)}, {"top-5", fmt.Sprintf("%.2f%%", 100*r.Top5)},
		{"balanced accuracy", fmt.Sprintf("%.2f%%", 100*r.BalancedAccuracy())},
		{"loss", fmt.Sprintf("%.4f", r.Loss)}, {"images", images}, {"speed", fmt.Sprintf("%.1f images/s", r.ImagesPerS)},
	}
}

// mistake is an image that was taken for another class.
type mistake struct {
	Prediction
	Name    string
	Picture template.URL
}

// thumbnail returns image i as a small JPEG inside an address; nothing if it
// cannot be read any more.
func thumbnail(set dataset.Set, i int) template.URL {
	im, err := set.Image(i)
	if err != nil {
		return ""
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, im.Thumbnail(pageHeight).Picture(), &jpeg.Options{Quality: 80}); err != nil {
		return ""
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
}
