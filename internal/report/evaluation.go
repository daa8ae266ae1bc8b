package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/jpeg"
	"image/png"
	"io"
	"math"
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
const PageMistakes = 12

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
	return evaluationPage.Execute(w, struct {
		Title string
		Cards []Card
		Facts []Fact
		Found found
	}{e.Title(), e.cards(), e.facts(), e.found()})
}

// found is what a page shows of an evaluation.
type found struct {
	Evaluation
	Diagram, Heat template.HTML
	Shown         int
	Left          bool // some classes are not in the heat map
	Confused      []evaluate.Confused
	Wrong         []mistake
	Scores        []evaluate.ClassScore
	Macro         evaluate.ClassScore
}

func (e Evaluation) found() found {
	heat, shown := figure.ConfusionSVG(e.Labels, e.Confusion)
	wrong := e.Mistakes()
	f := found{
		Evaluation: e, Diagram: template.HTML(figure.ReliabilitySVG(e.Reliability)), Heat: template.HTML(heat),
		Shown: len(shown), Left: len(shown) < len(e.Labels),
		Confused: e.MostConfused(pagePairs), Scores: e.PerClass(), Macro: e.MacroAverage(),
	}
	for i, p := range wrong[:min(PageMistakes, len(wrong))] {
		f.Wrong = append(f.Wrong, e.mistake(i, p))
	}
	return f
}

// cards are how good the network is, how sure that is, and against what.
func (e Evaluation) cards() []Card {
	cards := []Card{
		{"top-1", percent(e.Top1), interval(e.Top1, e.Images), true},
		{"most frequent class", percent(MajorityShare(e.Result)), "top-1 of answering that class always", false},
		{"balanced accuracy", percent(e.BalancedAccuracy()), "the mean of the classes' recalls", false},
		{"loss", fmt.Sprintf("%.4f", e.Loss), "cross-entropy in nats", false},
	}
	if TellsTop5(len(e.Labels)) {
		cards = append(cards[:1], append([]Card{{"top-5", percent(e.Top5), interval(e.Top5, e.Images), false}},
			cards[1:]...)...)
	}
	return cards
}

// MajorityShare returns the share of the images that are of the most frequent
// class: what always answering that would get right.
func MajorityShare(r evaluate.Result) float64 {
	most := 0
	for _, s := range r.PerClass() {
		most = max(most, s.Images)
	}
	return float64(most) / float64(max(1, r.Images))
}

func percent(v float64) string { return fmt.Sprintf("%.2f%%", 100*v) }

// interval says how sure a share of n images is: Wilson's interval of 95%
// ("Probable inference, the law of succession, and statistical inference",
// 1927).
func interval(share float64, n int) string {
	if n == 0 {
		return ""
	}
	const z = 1.959964
	images := float64(n)
	middle := (share + z*z/(2*images)) / (1 + z*z/images)
	half := z / (1 + z*z/images) * math.Sqrt(share*(1-share)/images+z*z/(4*images*images))
	return fmt.Sprintf("95%% interval %.1f to %.1f%%, of %d images", 100*max(0, middle-half), 100*min(1, middle+half), n)
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
		{"images", images}, {"speed", fmt.Sprintf("%.1f images/s", e.ImagesPerS)},
		{"images of", e.Source},
	}
	if e.Excluded > 0 {
		facts = append(facts, Fact{"excluded", fmt.Sprintf("%d by %s", e.Excluded, e.Job.Exclude.File)})
	}
	for _, m := range e.Members {
		facts = append(facts, Fact{m.Path, m.Metadata.Spec.Variant + ", " + m.Crops.Describe(m.Metadata.Preprocess)})
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

// Thumbnail returns image i as a small picture inside an address; nothing if it
// cannot be read any more.
func Thumbnail(set dataset.Set, i int) template.URL {
	im, err := set.Image(i)
	if err != nil {
		return ""
	}
	return inline(im.Thumbnail(pageHeight))
}

// fewPixels is how wide and high pictures are that a page enlarges: pixel by pixel, as
// the network sees them, so they are PNGs, by which the page's style knows them.
const fewPixels = 64

// inline returns a picture as a JPEG inside an address, or a PNG if it is small.
func inline(im picture.Image) template.URL {
	var b bytes.Buffer
	if max(im.W, im.H) <= fewPixels {
		if err := png.Encode(&b, im.Picture()); err != nil {
			return ""
		}
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
	}
	if err := jpeg.Encode(&b, im.Picture(), &jpeg.Options{Quality: 75}); err != nil {
		return ""
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
}
