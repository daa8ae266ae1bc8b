package model

import (
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/ops"
)

// The names of a network's parameters identify the network and its settings,
// whatever the settings.
func TestNetworksAreRecognisedByTheirParameters(t *testing.T) {
	for _, a := range architectures {
		specs := []Spec{a.Default, a.Default.WithoutAux()}
		for _, conv := range a.StemConvs {
			s := a.Default
			s.Stem.Conv = conv
			specs = append(specs, s)
		}
		for _, change := range []func(*Spec){
			func(s *Spec) { s.Factorized5x5 = false }, func(s *Spec) { s.Tower3x3 = !s.Tower3x3 }, func(s *Spec) { s.Asymmetric7x7 = false },
			func(s *Spec) { s.Expanded8x8 = false }, func(s *Spec) { s.AuxEarly = true }, func(s *Spec) { s.AuxEarly, s.AuxLate = true, false },
			func(s *Spec) { s.Aux = AuxPlain }, func(s *Spec) { s.Aux = AuxBatchNorm },
		} {
			s := a.Default
			change(&s)
			specs = append(specs, s)
		}
		for _, want := range specs {
			want.Classes = 3
			if want.Validate() != nil {
				continue // this network has no such setting
			}
			layers, err := Layers(want)
			if err != nil {
				t.Fatal(err)
			}
			names := map[string]bool{}
			for _, l := range layers {
				for _, p := range l.Params {
					names[p.Name] = true
				}
			}
			got, reason, ok := Recognise(func(name string) bool { return names[name] })
			if !ok || reason == "" {
				t.Errorf("%s: not recognised", a.Name)
			}
			if a.Name == V3 && want.Stem.Conv == "7x7" || a.Name == V2 && want.Stem.Conv == "3x3" {
				want.Variant = got.Variant // one is the other with this switch
			}
			for _, d := range got.Differences(want) {
				if d.Key != "model.classes" && d.Key != "model.avgpool_count_include_pad" {
					t.Errorf("%s: %s, should be %v", a.Name, d, d.Other)
				}
			}
			if !names[a.Classifier+".weight"] {
				t.Errorf("%s has no %s", a.Name, a.Classifier)
			}
		}
	}
	if _, _, ok := Recognise(func(string) bool { return false }); ok {
		t.Error("a network without parameters is recognised")
	}
}

// Every parameter says where it is, and only classifiers change with the classes.
func TestPlacesOfParameters(t *testing.T) {
	for _, a := range architectures {
		few, many := a.Default, a.Default
		few.Classes, many.Classes = 3, 5
		layers, err := Layers(few)
		if err != nil {
			t.Fatal(err)
		}
		others, err := Layers(many)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range layers {
			if half := l.Groups > 1 || len(l.Params) > 0 && l.Params[0].Kind == ops.SeparableWeight; half != (l.Whole != "") ||
				half && !strings.HasPrefix(l.Name, l.Whole+".") {
				t.Errorf("%s: %s is a half of %q", a.Name, l.Name, l.Whole)
			}
			if l.Head && !l.Aux && l.Name != a.Classifier {
				t.Errorf("%s: the main classifier is %s, want %s", a.Name, l.Name, a.Classifier)
			}
			for j, p := range l.Params {
				q := others[i].Params[j]
				if changes := p.Count() != q.Count(); changes != p.Head {
					t.Errorf("%s: %s: a classifier's: %t, changes with the classes: %t", a.Name, p.Name, p.Head, changes)
				}
				if p.Place != l.Place || p.Layer != l.Name {
					t.Errorf("%s: %s stands at %+v in layer %s, its layer %s at %+v", a.Name, p.Name, p.Place, p.Layer, l.Name, l.Place)
				}
			}
		}
	}
}
