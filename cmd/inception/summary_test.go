package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// Weights whose preprocessing has another size than their structure, as timm's have,
// run at the former, so that is what tables, multiply-adds and memory are of.
func TestSummaryIsOfTheSizeThatRuns(t *testing.T) {
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes, spec.Width, spec.Aux, spec.InputSize = 5, 0.05, model.AuxNone, 299
	show := func(spec model.Spec, size int) (r summaryReport) {
		t.Helper()
		w, err := model.ZeroWeights(spec)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "net.safetensors")
		m := weights.Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(size)}
		if err := weights.Save(path, w, m); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		s := &summaryCommand{session: &session{stdout: &out, stderr: &out, json: true}, weights: path, memory: true, batch: 1}
		if err := s.run(); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, out.Bytes())
		}
		return r
	}
	got, want := show(spec, 342), show(spec.At(342), 342)
	if got.Input != [3]int{3, 342, 342} || got.MACs != want.MACs || *got.Memory != *want.Memory {
		t.Errorf("input %v, %d multiply-adds, %+v; want 342 px, %d, %+v", got.Input, got.MACs, *got.Memory, want.MACs, *want.Memory)
	}
}
