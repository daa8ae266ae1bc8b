package report

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/npy"
	"github.com/inception-go/inception/internal/picture"
)

// explainedPicture is a result with two maps.
func explainedPicture(path string) explain.Result {
	m := explain.Map{At: "Mixed_6e", H: 2, W: 3, Values: []float32{0, 1, 0.5, 0, 0, 0.25}, Largest: 3}
	other := m
	other.At = "Mixed_7c"
	return explain.Result{Path: path, Row: -1, Shown: picture.New(30, 20), Explanation: explain.Explanation{
		Logits: []float32{1, 2, -1}, Class: 1, Rival: 0, Maps: []explain.Map{m, other}, Apart: []explain.Map{m, other},
	}}
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestExplanationsAreFilesAndAPage(t *testing.T) {
	dir := t.TempDir()
	e := &Explanations{Dir: dir, Of: "w<eights>", Method: explain.GradCAM, Labels: []string{"cat", "<b>dog", "cow"}}
	maps, err := e.Add(explainedPicture("photos/a/one.jpg"), "photos")
	if err != nil {
		t.Fatal(err)
	}
	row := explainedPicture("x.npy")
	row.Row, row.Shown = 4, picture.Image{}
	if _, err := e.Add(row, ""); err != nil {
		t.Fatal(err)
	}
	page, err := e.Close()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a/one.gradcam.Mixed_6e.npy", "a/one.gradcam.Mixed_7c.npy", "a/one.png", "index.html",
		"x-4.gradcam.Mixed_6e.npy", "x-4.gradcam.Mixed_7c.npy"}
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("files are %q", got)
	}
	f, err := os.Open(maps[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := npy.NewReader(f)
	if err != nil || !slices.Equal(r.Shape, []int{2, 3}) {
		t.Errorf("the map has shape %v, %v", r.Shape, err)
	}
	overlay, err := os.Open(filepath.Join(dir, "a", "one.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer overlay.Close()
	if c, err := png.DecodeConfig(overlay); err != nil || c.Width != 2*30 || c.Height != 20 {
		t.Errorf("the overlay is %dx%d, %v", c.Width, c.Height, err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"&lt;b&gt;dog", "w&lt;eights&gt;", `href="a/one.png"`, "70.54%", "x.npy[4]"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(string(text), "<b>dog") || strings.Contains(string(text), "ZgotmplZ") {
		t.Error("a label is not escaped, or a value is refused")
	}
}

func TestPicturesOfOneNameAreKeptApart(t *testing.T) {
	e := &Explanations{Dir: t.TempDir()}
	for _, c := range []struct{ path, below, want string }{
		{"a/rose.jpg", "", "rose"}, {"b/rose.jpg", "", "rose-jpg"}, {"c/rose.jpg", "", "rose-jpg-2"}, {"ROSE.png", "", "ROSE-png"},
		{"d/x/rose.jpg", "d", filepath.Join("x", "rose")}, {"../y/rose.gif", "..", filepath.Join("y", "rose")},
	} {
		if got := e.name(explain.Result{Path: filepath.FromSlash(c.path), Row: -1}, c.below); got != c.want {
			t.Errorf("%s is %s, want %s", c.path, got, c.want)
		}
	}
}

func TestExplanationsDoNotOverwritePictures(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "one.png")
	if err := os.WriteFile(mine, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	e := &Explanations{Dir: dir, Method: explain.GradCAM, Inputs: []string{mine}}
	if _, err := e.Add(explainedPicture(mine), ""); err == nil || !strings.Contains(err.Error(), "is one of the pictures") {
		t.Errorf("overwriting: %v", err)
	}
	if text, _ := os.ReadFile(mine); string(text) != "mine" {
		t.Errorf("the picture is %q", text)
	}
}

func TestManyExplanationsFillPages(t *testing.T) {
	dir := t.TempDir()
	e := &Explanations{Dir: dir, Method: explain.GradCAM}
	const n = 2*sheetPictures + 1
	for i := range n {
		if _, err := e.Add(explainedPicture(fmt.Sprintf("%03d.png", i)), ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Close(); err != nil {
		t.Fatal(err)
	}
	found := 0
	for i, links := range [][]string{{`href="index-2.html"`}, {`href="index.html"`, `href="index-3.html"`}, {`href="index-2.html"`}} {
		text, err := os.ReadFile(filepath.Join(dir, sheetFile(i+1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if !strings.Contains(string(text), link) {
				t.Errorf("page %d lacks %s", i+1, link)
			}
		}
		found += strings.Count(string(text), `class="explained"`)
	}
	if found != n {
		t.Errorf("the pages have %d pictures, want %d", found, n)
	}
	if _, err := os.Stat(filepath.Join(dir, sheetFile(4))); err == nil {
		t.Error("there is a fourth page")
	}
}
