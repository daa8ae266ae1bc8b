package weights

import (
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
)

func TestMetadataOfAnImpossibleInputSizeIsRefused(t *testing.T) {
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes = 2
	text, err := Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(299)}.Strings()
	if err != nil {
		t.Fatal(err)
	}
	if m, _, err := ParseMetadata(text); err != nil || m.Preprocess.Size != 299 {
		t.Fatalf("as written: %d, %v", m.Preprocess.Size, err)
	}
	for _, size := range []string{"0", "-5", "4097", "9223372036854775807", "9223372036854775808", "big"} {
		text[keyInputSize] = size
		if _, _, err := ParseMetadata(text); err == nil || !strings.Contains(err.Error(), "metadata input_size") {
			t.Errorf("%s: error is %v", size, err)
		}
	}
}

// Of several broken entries the same one is told every time.
func TestTheStructureOfBrokenMetadataIsToldFirst(t *testing.T) {
	for range 50 {
		_, _, err := ParseMetadata(map[string]string{keyLabels: "{", keyPreprocess: "{", keySpec: "{"})
		if err == nil || !strings.HasPrefix(err.Error(), "metadata spec: ") {
			t.Fatal(err)
		}
	}
}

func TestClassesWithoutLabelsAreNumbered(t *testing.T) {
	m := Metadata{Spec: model.Spec{Classes: 3}}
	if got := m.ClassNames(); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("names are %v", got)
	}
	m.Labels = []string{"a", "b", "c"}
	if got := m.ClassNames(); !slices.Equal(got, m.Labels) {
		t.Errorf("names are %v", got)
	}
}
