package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/jpeg"
	"io"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/picture"
)

// Evaluation is an evaluation's outcome, to be written down.
type Evaluation struct {
	*evaluate.Outcome
	Version string           // of the program
	Maps    []explain.Result // of the first of Mistakes, in their order; may be missing
}

// PageMistakes is how many of the mistakes the page shows.
const PageMistakes = 16

// Title says what was evaluated.
func (e Evaluation) Title() string { return "Evaluation of " + strings.Join(e.Job.Weights, ", ") }

// The pairs of classes on a page, and the pixels of a picture's height: twice what
// is shown, for sharp screens.
const pagePairs, pageHeight = 12, 288

//go:embed evaluation.html
var evaluationBody string

var evaluationPage = Page(evaluationBody)

// WritePage writes a page of HTML that needs no other file: the figures, a
// reliability diagram, the confusion matrix, and the most confident mistakes with
// maps of what the network saw.
func (e Evaluation) WritePage(w io.Writer) error {
	heat, shown := figure.ConfusionSVG(e.Labels, e.Confusion)
	wrong := e.Mistakes()
	page := struct {
		Evaluation
		Facts         []Fact
		Diagram, Heat template.HTML
		Shown         int
		Left          bool // some classes are not in the heat map
		Confused      []evaluate.Confused
		Wrong         []mistake
		Scores        []evaluate.ClassScore
		Macro         evaluate.ClassScore
	}{
		Evaluation: e, Facts: e.facts(),
		Diagram: template.HTML(figure.ReliabilitySVG(e.Reliability)), Heat: template.HTML(heat),
		Shown: len(shown), Left: len(shown) < len(e.Labels),
		Confused: e.MostConfused(pagePairs), Scores: e.PerClass(), Macro: e.MacroAverage(),
	}
	for i, p := range wrong[:min(PageMistakes, len(wrong))] {
		page.Wrong = append(page.Wrong, e.mistake(i, p))
	}
	return evaluationPage.Execute(w, page)
}

// facts are the result in short, and how it came about.
func (e Evaluation) facts() []Fact {
	images := fmt.Sprint(e.Images)
	if n := len(e.Skipped); n > 0 {
		images += fmt.Sprintf(", and %d that could not be read", n)
	}
	if n := len(e.Damaged); n > 0 {
		images += fmt.Sprintf("; %d are cut off or damaged", n)
	}
	facts := []Fact{
		{"top-1", fmt.Sprintf("%.2f%%", 100*e.Top1)}, {"top-5", fmt.Sprintf("%.2f%%", 100*e.Top5)},
		{"balanced accuracy", fmt.Sprintf("%.2f%%", 100*e.BalancedAccuracy())},
		{"loss", fmt.Sprintf("%.4f", e.Loss)}, {"images", images}, {"speed", fmt.Sprintf("%.1f images/s", e.ImagesPerS)},
		{"images of", e.Source},
	}
	if e.Excluded > 0 {
		facts = append(facts, Fact{"excluded", fmt.Sprintf("%d by %s", e.Excluded, e.Job.Exclude.File)})
	}
	for _, m := range e.Members {
		facts = append(facts, Fact{m.Path, m.Metadata.Spec.Variant + ", " + e.Job.Crops.Describe(m.Metadata.Preprocess)})
	}
	return append(facts, Fact{"program", "inception " + e.Version})
}

// mistake is an image that was taken for another class.
type mistake struct {
	evaluate.Prediction
	Name       string
	Picture    template.URL
	Map, Apart template.URL // what spoke for the wrong class, and that less what spoke for the true one
}

// mistake is the mistake of that place in Mistakes.
func (e Evaluation) mistake(i int, p evaluate.Prediction) mistake {
	m := mistake{Prediction: p, Name: e.Set.Name(p.Index)}
	if i >= len(e.Maps) || e.Maps[i].Err != nil {
		m.Picture = Thumbnail(e.Set, p.Index)
		return m
	}
	r := e.Maps[i]
	m.Picture = small(r.Shown)
	m.Map, m.Apart = small(overlay(r.Shown, r.Maps[0], false)), small(overlay(r.Shown, r.Apart[0], true))
	return m
}

// Thumbnail returns image i as a small JPEG inside an address; nothing if it
// cannot be read any more.
func Thumbnail(set dataset.Set, i int) template.URL {
	im, err := set.Image(i)
	if err != nil {
		return ""
	}
	return inline(im.Thumbnail(pageHeight))
}

// inline returns a picture as a JPEG inside an address.
func inline(im picture.Image) template.URL {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, im.Picture(), &jpeg.Options{Quality: 80}); err != nil {
		return ""
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
}
