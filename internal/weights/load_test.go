package weights

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
)

func TestVariantsAreSavedAndLoaded(t *testing.T) {
	for _, c := range []struct {
		name, variant string
		change        func(*model.Spec)
	}{
		{"v2-table1", model.V2Table1, func(s *model.Spec) {}},
		{"v2-table1 with switches", model.V2Table1, func(s *model.Spec) {
			s.Tower3x3, s.Stem.Conv, s.Aux = false, "7x7", model.AuxBatchNorm
		}},
		{"bn-inception", model.BNInception, func(s *model.Spec) {}},
		{"bn-inception with a plain 7x7", model.BNInception, func(s *model.Spec) { s.Stem.Conv = "7x7" }},
		{"googlenet", model.GoogLeNet, func(s *model.Spec) {}},
		{"googlenet with one head", model.GoogLeNet, func(s *model.Spec) { s.AuxEarly = false }},
		{"googlenet without heads", model.GoogLeNet, func(s *model.Spec) { s.Aux, s.AuxEarly = model.AuxNone, false }},
		{"inception-v4", model.InceptionV4, func(s *model.Spec) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, err := model.DefaultSpec(c.variant)
			if err != nil {
				t.Fatal(err)
			}
			spec.Classes, spec.Width = 10, 0.25
			c.change(&spec)
			w := distinct(t, spec)
			path := filepath.Join(t.TempDir(), "w.safetensors")
			m := Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(spec.InputSize)}
			if err := Save(path, w, m); err != nil {
				t.Fatal(err)
			}
			back, got, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if got.Spec != spec {
				t.Errorf("structure %+v, want %+v", got.Spec, spec)
			}
			if len(back.Params) != len(w.Params) {
				t.Fatalf("%d parameters, want %d", len(back.Params), len(w.Params))
			}
			for i, p := range w.Params {
				if q := back.Params[i]; q.Name != p.Name || !slices.Equal(q.Data, p.Data) {
					t.Fatalf("%s differs from %s", q.Name, p.Name)
				}
			}
		})
	}
}

// distinct returns weights whose values tell tensors and places apart.
func distinct(t *testing.T, spec model.Spec) *model.Weights {
	t.Helper()
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	w, err := model.ZeroWeights(spec)
	if err != nil {
		t.Fatal(err)
	}
	for n, p := range w.Params {
		values := p.Values()
		for i := range values {
			values[i] = float32(n) + float32(i%1013)/1024
		}
		if err := p.SetValues(values); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// A changed bit of a weight file is noticed wherever it is.
func TestDamagedWeightsAreRefused(t *testing.T) {
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	spec.Width, spec.Classes = 0.1, 3
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := Save(path, distinct(t, spec), Metadata{Preprocess: picture.TorchvisionPreprocess(96)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 20 {
		file := bytes.Clone(whole)
		at := len(file) - 1 - k*len(file)/25
		file[at] ^= 1 << (k % 8)
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Load(path); !errors.Is(err, errDamaged) {
			t.Errorf("byte %d of %d: error is %v", at, len(file), err)
		}
	}
}
