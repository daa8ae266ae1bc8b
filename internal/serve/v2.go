package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/textfile"
)

// The Open Inference Protocol, KServe's v2:
// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
// and Triton's extensions of binary tensors and classification:
// https://github.com/triton-inference-server/server/tree/main/docs/protocol

// modelVersion is the only version of the model.
const modelVersion = "1"

// The tensors.
const (
	inputName    = "input" // FP32 [N,3,H,W], preprocessed
	imageName    = "image" // BYTES [N], encoded pictures
	logitsName   = "logits"
	probName     = "probabilities"
	featuresName = "features"
)

// health answers a question of health by the status and, as KServe's own server
// does, in JSON.
func health(w http.ResponseWriter, ok bool, answer map[string]any) {
	code := http.StatusOK
	if !ok {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, answer)
}

func (s *Server) serverMetadata(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"name": "inception", "version": s.options.Version, "extensions": []string{"binary_tensor_data", "classification"},
	})
}

// tensorInfo is a tensor of a model's metadata; -1 is any size.
type tensorInfo struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

func (s *Server) modelMetadata(w http.ResponseWriter, _ *http.Request) {
	size := s.options.Metadata.Preprocess.Size
	writeJSON(w, http.StatusOK, map[string]any{
		"name": s.options.Name, "versions": []string{modelVersion}, "platform": "inception_go",
		"inputs":  []tensorInfo{{inputName, "FP32", []int{-1, 3, size, size}}, {imageName, "BYTES", []int{-1}}},
		"outputs": s.outputs(),
	})
}

// outputs lists the output tensors.
func (s *Server) outputs() (all []tensorInfo) {
	if n := len(s.classes); n > 0 {
		all = []tensorInfo{{logitsName, "FP32", []int{-1, n}}, {probName, "FP32", []int{-1, n}}}
	}
	return append(all, tensorInfo{featuresName, "FP32", []int{-1, s.batcher.engine.features}})
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	health(w, true, map[string]any{"live": true})
}

func (s *Server) serverReady(w http.ResponseWriter, _ *http.Request) {
	health(w, s.ready(), map[string]any{"ready": s.ready()})
}

func (s *Server) modelReady(w http.ResponseWriter, _ *http.Request) {
	health(w, s.ready(), map[string]any{"name": s.options.Name, "ready": s.ready()})
}

// about says for the page what is served.
func (s *Server) about(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"name": s.options.Name, "variant": s.options.Metadata.Spec.Variant, "preprocess": s.options.Metadata.Preprocess,
		"precision": s.options.Precision.String(), "classes": s.classes, "version": s.options.Version,
	})
}

// named answers 404 unless the address names this model.
func (s *Server) named(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		model, version := r.PathValue("model"), r.PathValue("version")
		if model != s.options.Name || version != "" && version != modelVersion {
			s.refuse(w, refusal{http.StatusNotFound, fmt.Errorf("no model %q, version %q; here is %q, version %q",
				model, version, s.options.Name, modelVersion)})
			return
		}
		h(w, r)
	}
}

// inferRequest is the JSON of a request.
type inferRequest struct {
	ID         string            `json:"id"`
	Parameters parameters        `json:"parameters"`
	Inputs     few[inputTensor]  `json:"inputs"`
	Outputs    few[outputChoice] `json:"outputs"`
}

// outputChoice is an output that a request asks for.
type outputChoice struct {
	Name       string     `json:"name"`
	Parameters parameters `json:"parameters"`
}

// few is a list of a few values: a request with millions takes no memory for them.
type few[T any] []T

// UnmarshalJSON reads the list.
func (f *few[T]) UnmarshalJSON(data []byte) (err error) {
	const most = 8
	*f, err = atMost[T](data, most)
	return err
}

// parameters are those that mean something here; others are ignored.
type parameters struct {
	BinarySize     *int64 `json:"binary_data_size"`
	Binary         *bool  `json:"binary_data"`
	BinaryOutput   bool   `json:"binary_data_output"`
	Classification int    `json:"classification"`
}

// infer answers an inference.
func (s *Server) infer(ctx context.Context, w http.ResponseWriter, r *http.Request, body []byte) error {
	header, binary, err := split(r.Header.Get(headerLength), body)
	if err != nil {
		return err
	}
	var request inferRequest
	if err := json.Unmarshal(header, &request); err != nil {
		return bad("the JSON cannot be read: %w", textfile.JSONError(err))
	}
	if len(request.Inputs) != 1 {
		return bad("inputs: must hold one tensor, %s or %s, and hold %d", inputName, imageName, len(request.Inputs))
	}
	rest, err := request.Inputs[0].cut(binary)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return bad("%d bytes behind the inputs belong to none", len(rest))
	}
	wanted, err := s.wanted(request)
	if err != nil {
		return err
	}
	rows, leave, err := s.rows(ctx, request.Inputs[0])
	defer leave()
	if err != nil {
		return err
	}
	outputs, err := s.batcher.run(ctx, rows)
	if errors.Is(err, model.ErrNotFinite) {
		return refusal{http.StatusBadRequest, err}
	}
	if err != nil {
		return err
	}
	leave()
	return s.writeInference(w, request.ID, wanted, outputs)
}

// rows returns the inputs of a request, for which there is room until leave is
// called and which are announced.
func (s *Server) rows(ctx context.Context, in inputTensor) (rows [][]float32, leave func(), err error) {
	var n int
	if n, err = s.count(in); err != nil {
		return nil, func() {}, err
	}
	if leave, err = s.room(n); err != nil {
		return nil, leave, err
	}
	if in.Name == imageName {
		files, err := in.texts(n)
		if err != nil {
			return nil, leave, err
		}
		all := make([]upload, n)
		for i, data := range files {
			all[i] = upload{fmt.Sprintf("picture %d", i), data}
		}
		rows, _, err = s.inputs(ctx, all)
		return rows, leave, err
	}
	per := s.batcher.engine.per()
	values, err := in.floats(n * per)
	if err != nil {
		return nil, leave, err
	}
	s.batcher.announce(n)
	return slices.Collect(slices.Chunk(values, per)), leave, nil
}

// count checks a tensor's type and shape and returns how many inputs it holds.
func (s *Server) count(in inputTensor) (int, error) {
	size := s.options.Metadata.Preprocess.Size
	shape := in.Shape
	switch in.Name {
	case inputName:
		if in.Datatype != "FP32" || len(shape) != 4 || shape[0] < 1 || !slices.Equal(shape[1:], []int{3, size, size}) {
			return 0, bad("%s: must be FP32 [-1 3 %d %d], is %s %v", in.Name, size, size, in.Datatype, shape)
		}
	case imageName: // some clients send [N,1]
		if in.Datatype != "BYTES" || len(shape) < 1 || len(shape) > 2 || shape[0] < 1 || len(shape) == 2 && shape[1] != 1 {
			return 0, bad("%s: must be BYTES [-1], is %s %v", in.Name, in.Datatype, shape)
		}
	default:
		return 0, bad("inputs: %q is unknown; the model takes %s or %s", in.Name, inputName, imageName)
	}
	return shape[0], nil
}

// wantedOutput is an output that a request asks for, and how.
type wantedOutput struct {
	name    string
	binary  bool
	classes int // the most probable ones, as texts, instead of the values
}

// wanted returns the outputs that a request asks for; all without a list.
func (s *Server) wanted(r inferRequest) (all []wantedOutput, err error) {
	known := s.outputs()
	if len(r.Outputs) == 0 {
		for _, t := range known {
			all = append(all, wantedOutput{name: t.Name, binary: r.Parameters.BinaryOutput})
		}
		return all, nil
	}
	for _, o := range r.Outputs {
		if !slices.ContainsFunc(known, func(t tensorInfo) bool { return t.Name == o.Name }) {
			return nil, bad("outputs: %q is unknown", o.Name)
		}
		if slices.ContainsFunc(all, func(w wantedOutput) bool { return w.name == o.Name }) {
			return nil, bad("outputs: %q is there twice", o.Name)
		}
		w := wantedOutput{name: o.Name, binary: r.Parameters.BinaryOutput, classes: o.Parameters.Classification}
		if o.Parameters.Binary != nil {
			w.binary = *o.Parameters.Binary
		}
		if w.classes < 0 || w.classes > 0 && o.Name == featuresName {
			return nil, bad("outputs: classification of %s must be at least 0, and 0 for features", o.Name)
		}
		w.classes = min(w.classes, len(s.classes))
		all = append(all, w)
	}
	return all, nil
}

// outputTensor is an output in the JSON of an answer.
type outputTensor struct {
	Name       string           `json:"name"`
	Datatype   string           `json:"datatype"`
	Shape      []int            `json:"shape"`
	Parameters map[string]int64 `json:"parameters,omitempty"`
	Data       any              `json:"data,omitempty"`
}

// writeInference writes the answer: JSON, and behind it the binary tensors.
func (s *Server) writeInference(w http.ResponseWriter, id string, wanted []wantedOutput, outputs []output) error {
	answer := struct {
		Model   string         `json:"model_name"`
		Version string         `json:"model_version"`
		ID      string         `json:"id,omitempty"`
		Outputs []outputTensor `json:"outputs"`
	}{Model: s.options.Name, Version: modelVersion, ID: id}
	var binary bytes.Buffer
	for _, want := range wanted {
		t := s.tensor(want, outputs)
		if want.binary {
			before := binary.Len()
			appendBinary(&binary, t.Data)
			t.Data, t.Parameters = nil, map[string]int64{"binary_data_size": int64(binary.Len() - before)}
		}
		answer.Outputs = append(answer.Outputs, t)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if binary.Len() > 0 {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set(headerLength, strconv.Itoa(len(text)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+binary.Len()))
	_, _ = w.Write(text) // the client may have gone
	_, _ = w.Write(binary.Bytes())
	return nil
}

// tensor returns an output of all rows.
func (s *Server) tensor(want wantedOutput, outputs []output) outputTensor {
	var values []float32
	var texts []string
	for _, o := range outputs {
		row := o.features
		if want.name != featuresName {
			row = o.logits
		}
		if want.name == probName {
			row = probabilities(row)
		}
		values = append(values, row...)
		if want.classes == 0 {
			continue
		}
		for _, c := range evaluate.Top(o.logits, s.classes, want.classes) {
			texts = append(texts, fmt.Sprintf("%f:%d:%s", row[c.Index], c.Index, c.Label))
		}
	}
	n := len(outputs)
	if want.classes > 0 {
		return outputTensor{Name: want.name, Datatype: "BYTES", Shape: []int{n, want.classes}, Data: texts}
	}
	return outputTensor{Name: want.name, Datatype: "FP32", Shape: []int{n, len(values) / n}, Data: values}
}

// probabilities is the softmax of logits.
func probabilities(logits []float32) []float32 {
	all := make([]float32, len(logits))
	for _, c := range evaluate.Top(logits, nil, len(logits)) {
		all[c.Index] = float32(c.Prob)
	}
	return all
}
