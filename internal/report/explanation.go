package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/npy"
	"github.com/inception-go/inception/internal/picture"
)

// Explanations writes a folder of explanations: for each picture an overlay and
// its maps as arrays, and pages with all of them.
type Explanations struct {
	Dir    string
	Of     string // the weights
	Facts  []Fact // what holds for all
	Method explain.Method
	Labels []string // of the classes
	Inputs []string // files that are not overwritten

	inputs []os.FileInfo
	names  map[string]bool // taken already
	sheets int
	sheet  []explained
}

// The pictures on a page and the pixels of their sides there, twice what is shown.
const sheetPictures, sheetSide = 24, 288

// explained is an explanation on a page.
type explained struct {
	Name, File string
	Classes    []evaluate.Class
	Class      string
	Rival      string
	Picture    template.URL
	Maps       []panel
	Apart      []panel
}

// panel is a map on a page.
type panel struct {
	At    string
	Image template.URL
	Empty bool // there is no evidence
}

//go:embed explanation.html
var explanationBody string

var explanationPage = Page(explanationBody)

// Add writes the files of one picture. below is the folder that it was found
// in, whose subfolders are kept; empty for a picture that was named itself. It
// returns the paths of the maps, in their order.
func (e *Explanations) Add(r explain.Result, below string) (maps []string, err error) {
	name := e.name(r, below)
	base := filepath.Join(e.Dir, name)
	if err := os.MkdirAll(filepath.Dir(base), 0o777); err != nil {
		return nil, fmt.Errorf("explanations: %w", err)
	}
	on := explained{
		Name: r.Name(), Classes: evaluate.Top(r.Logits, e.Labels, 3), Class: labelOf(r.Class, e.Labels),
		Rival: labelOf(r.Rival, e.Labels), Picture: small(r.Shown),
	}
	if err := e.spare(base + ".png"); err != nil {
		return nil, err
	}
	var overlays []picture.Image
	for _, m := range r.Maps {
		path := fmt.Sprintf("%s.%s.%s.npy", base, e.Method, m.At)
		if err := e.spare(path); err != nil {
			return nil, err
		}
		if err := atomicfile.Write(path, func(w io.Writer) error {
			if err := npy.WriteHeader(w, []int{m.H, m.W}); err != nil {
				return err
			}
			return npy.WriteValues(w, m.Values)
		}); err != nil {
			return nil, err
		}
		maps = append(maps, path)
		over := overlay(r.Shown, m, false)
		overlays = append(overlays, over)
		on.Maps = append(on.Maps, panel{m.At, small(over), m.Largest == 0})
	}
	for _, m := range r.Apart {
		on.Apart = append(on.Apart, panel{m.At, small(overlay(r.Shown, m, true)), m.Largest == 0})
	}
	if r.Shown.W > 0 {
		on.File = filepath.ToSlash(name) + ".png"
		if err := atomicfile.Write(base+".png", func(w io.Writer) error {
			return png.Encode(w, figure.SideBySide(overlays).Picture())
		}); err != nil {
			return nil, err
		}
	}
	e.sheet = append(e.sheet, on)
	if len(e.sheet) > sheetPictures { // one more, so that the page knows of the next
		return maps, e.write(e.sheet[:sheetPictures], true)
	}
	return maps, nil
}

// Close writes the last page and returns the path of the first; "" if there is
// nothing to show.
func (e *Explanations) Close() (string, error) {
	if len(e.sheet) > 0 {
		if err := e.write(e.sheet, false); err != nil {
			return "", err
		}
	}
	if e.sheets == 0 {
		return "", nil
	}
	return filepath.Join(e.Dir, sheetFile(1)), nil
}

// name returns what the files of a result are called: as the picture, with its
// ending or a number where that would be another's too.
func (e *Explanations) name(r explain.Result, below string) string {
	path := filepath.Base(r.Path)
	if inner, err := filepath.Rel(below, r.Path); below != "" && err == nil && filepath.IsLocal(inner) {
		path = inner
	}
	ending := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ending)
	row := ""
	if r.Row >= 0 {
		row = fmt.Sprintf("-%d", r.Row)
	}
	if e.names == nil {
		e.names = map[string]bool{}
	}
	name := stem + row
	if e.taken(name) {
		name = stem + strings.Replace(ending, ".", "-", 1) + row
	}
	for n, first := 2, name; e.taken(name); n++ {
		name = fmt.Sprintf("%s-%d", first, n)
	}
	e.names[strings.ToLower(name)] = true
	return name
}

// taken reports whether files of that name are written, on a system that does
// not tell cases apart either.
func (e *Explanations) taken(name string) bool { return e.names[strings.ToLower(name)] }

// spare refuses to overwrite an input.
func (e *Explanations) spare(path string) error {
	there, err := os.Stat(path)
	if err != nil {
		return nil // nothing is there
	}
	if e.inputs == nil {
		for _, input := range e.Inputs {
			if info, err := os.Stat(input); err == nil {
				e.inputs = append(e.inputs, info)
			}
		}
	}
	if slices.ContainsFunc(e.inputs, func(input os.FileInfo) bool { return os.SameFile(there, input) }) {
		return fmt.Errorf("%s: is one of the pictures to explain; write to another folder", path)
	}
	return nil
}

// write writes a page of the first explanations and keeps the others.
func (e *Explanations) write(on []explained, more bool) error {
	e.sheets++
	page := struct {
		Title       string
		Facts       []Fact
		Method      explain.Method
		Pictures    []explained
		Before, Now string
		Next        string
		Number      int
	}{
		Title: "What " + e.Of + " looks at", Facts: e.Facts, Method: e.Method, Pictures: on, Number: e.sheets,
	}
	if e.sheets > 1 {
		page.Before = sheetFile(e.sheets - 1)
	}
	if more {
		page.Next = sheetFile(e.sheets + 1)
	}
	err := atomicfile.Write(filepath.Join(e.Dir, sheetFile(e.sheets)), func(w io.Writer) error {
		return explanationPage.Execute(w, page)
	})
	e.sheet = append([]explained(nil), e.sheet[len(on):]...)
	return err
}

func sheetFile(number int) string {
	if number == 1 {
		return "index.html"
	}
	return fmt.Sprintf("index-%d.html", number)
}

func labelOf(class int, labels []string) string {
	switch {
	case class < 0:
		return ""
	case class < len(labels):
		return labels[class]
	}
	return fmt.Sprint(class)
}

// overlay lays a map over a picture, or over grey where there is none.
func overlay(shown picture.Image, m explain.Map, signed bool) picture.Image {
	if shown.W == 0 {
		shown = picture.New(sheetSide, sheetSide)
		for i := range shown.Pix {
			shown.Pix[i] = 128
		}
	}
	return figure.Heat{W: m.W, H: m.H, Values: m.Values}.Over(shown, signed)
}

// small returns a picture as a JPEG for a page.
func small(im picture.Image) template.URL {
	if im.W == 0 {
		return ""
	}
	return inline(im.Thumbnail(sheetSide))
}
