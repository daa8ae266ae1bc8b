package model

import (
	"github.com/inception-go/inception/internal/ops"
	"slices"
	"strings"
	"testing"
)

// changed returns v3 for 1000 classes with a change.
func changed(t *testing.T, change func(*Spec)) Spec {
	t.Helper()
	spec, err := DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes = 1000
	change(&spec)
	return spec
}

// TestWireAgreesWithTheEvalNetwork compares the wiring of the training graph, in
// which sibling convolutions are one node, with that of the eval network.
func TestWireAgreesWithTheEvalNetwork(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"v3":           func(*Spec) {},
		"pool first":   func(s *Spec) { s.GridReduction = "pool_first" },
		"expand first": func(s *Spec) { s.GridReduction = "expand_first" },
		"plain":        func(s *Spec) { s.Factorized5x5, s.Asymmetric7x7, s.Expanded8x8 = false, false, false },
	} {
		spec := changed(t, func(s *Spec) { s.Width, s.Dropout, s.InputSize = 0.05, 0, 107; change(s) })
		wired, err := Layers(spec)
		if err != nil {
			t.Fatal(err)
		}
		w, err := ZeroWeights(spec)
		if err != nil {
			t.Fatal(err)
		}
		net, err := Build(spec, w, 1, Eval, Options{})
		if err != nil {
			t.Fatal(err)
		}
		evaluated := net.Layers()
		names := func(all []ops.Layer, aux bool) (lines []string) {
			for _, l := range all {
				if l.Aux && !aux {
					continue
				}
				line := l.Name + " <-"
				for _, in := range l.Inputs {
					if in < 0 {
						line += " image"
					} else {
						line += " " + all[in].Name
					}
				}
				lines = append(lines, line)
			}
			return lines
		}
		if got, want := names(wired, false), names(evaluated, false); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nthe eval network has\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if aux := names(wired, true); !slices.Contains(aux, "AuxLogits.pool <- Mixed_6e") || !slices.Contains(aux, "AuxLogits.fc <- AuxLogits.conv1") {
			t.Errorf("%s: the auxiliary head is not wired to Mixed_6e", name)
		}
		net.Close()
	}
}

func TestModulesSumUpAllLayers(t *testing.T) {
	wired, err := Layers(changed(t, func(s *Spec) { s.AuxEarly = true }))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	layers, params, withAux, macs := 0, 0, 0, int64(0)
	for _, m := range Modules(wired) {
		names = append(names, m.Name)
		layers += len(m.Layers)
		withAux += m.Params
		if !m.Aux {
			params += m.Params
			macs += m.MACs
		}
	}
	want := "stem Mixed_5b Mixed_5c Mixed_5d Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e Mixed_7a Mixed_7b Mixed_7c classifier AuxLogitsEarly AuxLogits"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("modules %s", got)
	}
	if layers != len(wired) || params != 23_834_568 || withAux != 23_834_568+2*3_326_696 || macs != 5_713_216_096 {
		t.Errorf("%d of %d layers, %d and %d parameters, %d multiply-adds", layers, len(wired), params, withAux, macs)
	}
}

func TestPrinciplesNameWhatDepartsFromThem(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Spec)
		want   []string // principle and key
		text   string
	}{
		"v3 as published":       {func(*Spec) {}, nil, ""},
		"v2 as published":       {func(s *Spec) { *s, _ = DefaultSpec("v2"); s.Classes = 1000 }, nil, ""},
		"section 9, 151 pixels": {func(s *Spec) { s.InputSize, s.Stem.Stride = 151, 1 }, nil, ""},
		"section 9, 79 pixels":  {func(s *Spec) { s.InputSize, s.Stem.Stride, s.Stem.Pool = 79, 1, false }, nil, ""},
		"half as wide":          {func(s *Spec) { s.Width = 0.5 }, nil, ""},
		"expand first":          {func(s *Spec) { s.GridReduction = "expand_first" }, nil, ""},
		"no aux, hard to train": {func(s *Spec) { s.Aux = AuxNone }, nil, ""},
		"pool first": {func(s *Spec) { s.GridReduction = "pool_first" }, []string{"1 model.grid_reduction"},
			"Mixed_6a and Mixed_7a pool before they widen: in Mixed_6a 352800 values of 35x35x288 are squeezed through 83232 of 17x17x288"},
		"not expanded": {func(s *Spec) { s.Expanded8x8 = false }, []string{"2 model.expanded_8x8"}, "has 1280 channels instead of 2048"},
		"5x5":          {func(s *Spec) { s.Factorized5x5 = false }, []string{"3 model.factorized_5x5"}, "from 5.713 to 5.770 GMAC"},
		"7x7":          {func(s *Spec) { s.Asymmetric7x7 = false }, []string{"3 model.asymmetric_7x7"}, "from 5.713 to 9.703 GMAC"},
		"small images, large stem": {func(s *Spec) { s.InputSize, s.Aux = 128, AuxNone }, []string{"1 model.stem", "3 model.input_size"},
			"a grid of 13x13"},
		"tiny images": {func(s *Spec) { s.InputSize, s.Stem.Stride, s.Stem.Pool, s.Aux = 24, 1, false, AuxNone }, []string{"1 model.input_size", "3 model.input_size"}, "has shrunk to 1x1"},
		"grid below 12": {func(s *Spec) { s.InputSize, s.Stem.Stride, s.Stem.Pool, s.Aux = 32, 1, false, AuxNone }, []string{"3 model.input_size"},
			"a grid of 5x5 from Mixed_6b on; the paper recommends them for grids of 12 to 20 (section 3.2); these are wider than the grid"},
		"grid above 20": {func(s *Spec) { s.InputSize = 399 }, []string{"3 model.input_size"}, "a grid of 23x23"},
		"wide":          {func(s *Spec) { s.Width = 2 }, []string{"4 model.width"}, "2 times the filters"},
		"narrow":        {func(s *Spec) { s.Width = 0.1 }, []string{"4 model.width"}, "of 94 convolutions have the minimum of 16 channels"},
	} {
		warnings, err := Principles(changed(t, c.change))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		text := ""
		for _, w := range warnings {
			got = append(got, strings.Fields(w.String())[1]+" "+w.Key)
			text += w.String() + "\n"
		}
		if !slices.Equal(got, c.want) || !strings.Contains(text, c.text) {
			t.Errorf("%s: %q, want %q\n%swant %s", name, got, c.want, text, c.text)
		}
	}
}
