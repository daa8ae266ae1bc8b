//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// serve says where it listens, answers, and ends with the signal's status.
func TestServeAnswersUntilASignal(t *testing.T) {
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Aux, spec.Classes, spec.Stem.Stride, spec.Stem.Pool = 32, 0.05, model.AuxNone, 3, 1, false
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "my flowers.safetensors")
	if err := weights.Save(path, w, weights.Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(32)}); err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	status := make(chan int, 1)
	go func() {
		status <- run([]string{"serve", "-w", path, "--addr", "127.0.0.1:0", "--json", "--max-delay", "0s"}, in, io.Discard)
		in.Close()
	}()
	var said struct{ Name, Address string }
	if err := json.NewDecoder(out).Decode(&said); err != nil || said.Name != "my-flowers" {
		t.Fatalf("%+v, %v", said, err)
	}
	go io.Copy(io.Discard, out)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 9, 9))); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(said.Address+"/predict?top=1", "", &picture)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != 200 || !strings.HasPrefix(string(text), `{"image":"picture","classes":[{"index":`) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-status; got != 128+int(syscall.SIGTERM) {
		t.Errorf("status %d", got)
	}
}

func TestServeRefusesWrongCalls(t *testing.T) {
	for want, args := range map[string][]string{
		"--batch: must be from 1 to 256, is 0":    {"--batch", "0"},
		"--max-delay: must be from 0 to 1s":       {"--max-delay", "2s"},
		"--max-body: must be from 1 to 1024":      {"--max-body", "0"},
		"--input-size: must be at least 1, is -1": {"--input-size", "-1"},
		"none.safetensors":                        {},
	} {
		var errs bytes.Buffer
		status := run(append([]string{"serve", "-w", "none.safetensors", "--addr", "127.0.0.1:0"}, args...), io.Discard, &errs)
		if status == 0 || !strings.Contains(errs.String(), want) {
			t.Errorf("%v: status %d, %s", args, status, errs.String())
		}
	}
}
