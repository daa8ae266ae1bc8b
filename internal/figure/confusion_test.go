package figure

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/evaluate"
)

// wellFormed fails unless text is XML.
func wellFormed(t *testing.T, what, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s is no XML: %v", what, err)
		}
	}
}

func TestConfusionSVGShowsEachPairOnce(t *testing.T) {
	labels := []string{"<script>&", "tench, Tinca tinca", "a name that is far too long to stand beside a map"}
	svg, shown := ConfusionSVG(labels, [][]int{{7, 1, 0}, {0, 2000, 3}, {0, 0, 0}})
	wellFormed(t, "the heat map", svg)
	if !slices.Equal(shown, []int{0, 1, 2}) || strings.Count(svg, "<rect") != 9 {
		t.Errorf("classes %v, %d cells", shown, strings.Count(svg, "<rect"))
	}
	for _, want := range []string{"&lt;script&gt;&amp; taken for tench, Tinca tinca: 1 of 8", ">tench</text>", ">2000</text>", "to stand beside a map taken for &lt;script&gt;&amp;: 0 of 0"} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestConfusionSVGOfManyClassesShowsTheMostMistaken(t *testing.T) {
	const classes = 100
	labels, counts := make([]string, classes), make([][]int, classes)
	for i := range counts {
		labels[i], counts[i] = fmt.Sprint(i), make([]int, classes)
		counts[i][i] = 50
	}
	counts[99][3] = 2
	svg, shown := ConfusionSVG(labels, counts)
	wellFormed(t, "the heat map", svg)
	if len(shown) != heatClasses || !slices.Contains(shown, 99) || !slices.Contains(shown, 3) || !slices.IsSorted(shown) {
		t.Errorf("shows %v", shown)
	}
}

func TestReliabilitySVGHasABarForEachBinWithImages(t *testing.T) {
	svg := ReliabilitySVG([]evaluate.Bin{{To: 0.5}, {From: 0.5, To: 1, Images: 4, Confidence: 0.75, Accuracy: 0.5}})
	wellFormed(t, "the diagram", svg)
	if strings.Count(svg, "<title>") != 1 || !strings.Contains(svg, "50% to 100%: 4 images, mean 75.0%, accuracy 50.0%") {
		t.Error(svg)
	}
	wellFormed(t, "an empty diagram", ReliabilitySVG(nil))
}
