package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/color"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

func TestMetadataAndHealth(t *testing.T) {
	address, s := serving(t, nil)
	get := func(path string) (int, string) {
		answer, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, strings.TrimSpace(string(text))
	}
	for path, want := range map[string]string{
		"/v2/health/live": `{"live":true}`, "/v2/health/ready": `{"ready":true}`,
		"/v2/models/tiny/ready": `{"name":"tiny","ready":true}`, "/v2/models/tiny/versions/1/ready": `{"name":"tiny","ready":true}`,
		"/v2": `{"extensions":["binary_tensor_data","classification"],"name":"inception","version":"v9"}`,
		"/v2/models/tiny": `{"inputs":[{"name":"input","datatype":"FP32","shape":[-1,3,32,32]},` +
			`{"name":"image","datatype":"BYTES","shape":[-1]}],"name":"tiny","outputs":[{"name":"logits","datatype":"FP32","shape":[-1,3]},` +
			`{"name":"probabilities","datatype":"FP32","shape":[-1,3]},{"name":"features","datatype":"FP32","shape":[-1,96]}],` +
			`"platform":"inception_go","versions":["1"]}`,
	} {
		if status, text := get(path); status != 200 || text != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	for _, path := range []string{"/v2/models/other", "/v2/models/tiny/versions/2", "/v2/models/other/ready"} {
		if status, text := get(path); status != 404 || !strings.Contains(text, `{"error":"no model`) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	close(s.stopping)
	if status, _ := get("/v2/health/ready"); status != http.StatusServiceUnavailable {
		t.Errorf("ready while it stops: %d", status)
	}
	if status, _ := get("/v2/health/live"); status != 200 {
		t.Errorf("live while it stops: %d", status)
	}
	if status, body := post(t, address+"/predict", "", drawing(t, color.White)); status != http.StatusServiceUnavailable {
		t.Errorf("a request while it stops: %d %s", status, body)
	}
}

// inference is an answer as clients read it.
type inference struct {
	Model   string `json:"model_name"`
	Version string `json:"model_version"`
	ID      string `json:"id"`
	Outputs []struct {
		Name, Datatype string
		Shape          []int
		Parameters     struct {
			Size int `json:"binary_data_size"`
		}
		Data json.RawMessage
	} `json:"outputs"`
}

// floatsOf encodes values as binary tensors have them.
func floatsOf(values []float32) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// Every way to send an input and to ask for an output gives the same bits.
func TestInferenceInEveryForm(t *testing.T) {
	address, s := serving(t, nil)
	pictures := [][]byte{drawing(t, color.White), drawing(t, color.RGBA{9, 99, 200, 255})}
	var inputs []float32
	for _, data := range pictures {
		im, err := s.options.Decoder.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		row := make([]float32, 3*32*32)
		s.options.Metadata.Preprocess.Apply(row, im, new(picture.Resampler))
		inputs = append(inputs, row...)
	}
	flat, _ := json.Marshal(inputs)
	nested := fmt.Sprintf("[%s, %s]", nest(inputs[:3*32*32]), nest(inputs[3*32*32:]))
	text := func(i int) string { return `"` + base64.StdEncoding.EncodeToString(pictures[i]) + `"` }
	var files []byte
	for _, data := range pictures {
		files = append(binary.LittleEndian.AppendUint32(files, uint32(len(data))), data...)
	}
	var want []float32
	for what, c := range map[string]struct {
		input  string
		behind []byte
	}{
		"1 a flat list":      {`{"name":"input","datatype":"FP32","shape":[2,3,32,32],"data":` + string(flat) + `}`, nil},
		"2 nested lists":     {`{"name":"input","datatype":"FP32","shape":[2,3,32,32],"data":` + nested + `}`, nil},
		"3 binary floats":    {`{"name":"input","datatype":"FP32","shape":[2,3,32,32],"parameters":{"binary_data_size":24576}}`, floatsOf(inputs)},
		"4 pictures":         {`{"name":"image","datatype":"BYTES","shape":[2],"data":[` + text(0) + ` , ` + text(1) + `]}`, nil},
		"5 binary pictures":  {fmt.Sprintf(`{"name":"image","datatype":"BYTES","shape":[2,1],"parameters":{"binary_data_size":%d}}`, len(files)), files},
		"6 pictures, nested": {`{"name":"image","datatype":"BYTES","shape":[2,1],"data":[[` + text(0) + `],[` + text(1) + `]]}`, nil},
	} {
		head := []byte(`{"id":"7","inputs":[` + c.input + `],"outputs":[{"name":"logits","parameters":{"binary_data":true}},{"name":"probabilities"}]}`)
		header := []string{}
		if c.behind != nil {
			header = []string{headerLength, strconv.Itoa(len(head))}
		}
		request, _ := http.NewRequest("POST", address+"/v2/models/tiny/versions/1/infer", bytes.NewReader(append(head, c.behind...)))
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		n, err := strconv.Atoi(answer.Header.Get(headerLength))
		if answer.StatusCode != 200 || err != nil {
			t.Errorf("%s: %d %s", what, answer.StatusCode, body)
			continue
		}
		got := decoded[inference](t, body[:n])
		if got.Model != "tiny" || got.Version != "1" || got.ID != "7" || len(got.Outputs) != 2 ||
			!slices.Equal(got.Outputs[0].Shape, []int{2, 3}) || got.Outputs[0].Parameters.Size != 24 || len(body) != n+24 {
			t.Fatalf("%s: %s", what, body[:n])
		}
		logits := make([]float32, 6)
		for i := range logits {
			logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[n+4*i:]))
		}
		if want == nil {
			want = logits
		}
		if !slices.Equal(logits, want) {
			t.Errorf("%s: logits %v, want %v", what, logits, want)
		}
		sum := float32(0)
		for _, p := range decoded[[]float32](t, got.Outputs[1].Data)[:3] {
			sum += p
		}
		if math.Abs(float64(sum-1)) > 1e-5 {
			t.Errorf("%s: probabilities sum up to %g", what, sum)
		}
	}
}

// nest writes an input as lists of lists.
func nest(row []float32) string {
	channels := make([][][]float32, 3)
	for line := range slices.Chunk(row, 32) {
		for c := range channels {
			if len(channels[c]) < 32 {
				channels[c] = append(channels[c], line)
				break
			}
		}
	}
	text, _ := json.MarshalIndent(channels, "", " ")
	return string(text)
}

func TestOutputsAreAllUnlessTheyAreNamed(t *testing.T) {
	address, _ := serving(t, nil)
	picture := `{"name":"image","datatype":"BYTES","shape":[1],"data":["` + base64.StdEncoding.EncodeToString(drawing(t, color.White)) + `"]}`
	ask := func(rest string) inference {
		status, body := post(t, address+"/v2/models/tiny/infer", "application/json", []byte(`{"inputs":[`+picture+`]`+rest+`}`))
		if status != 200 {
			t.Fatalf("%s: %d %s", rest, status, body)
		}
		return decoded[inference](t, body)
	}
	var names []string
	for _, o := range ask("").Outputs {
		names = append(names, o.Name)
	}
	if !slices.Equal(names, []string{"logits", "probabilities", "features"}) {
		t.Errorf("outputs %v", names)
	}
	got := ask(`,"outputs":[{"name":"probabilities","parameters":{"classification":2}}]`).Outputs[0]
	classes := decoded[[]string](t, got.Data)
	if got.Datatype != "BYTES" || !slices.Equal(got.Shape, []int{1, 2}) || len(strings.Split(classes[0], ":")) != 3 {
		t.Errorf("classification: %+v", got)
	}
}

func TestWrongInferencesAreToldWhy(t *testing.T) {
	address, s := serving(t, func(o *Options) { o.Queue = 4 })
	image := func(rest string) string { return `{"inputs":[{"name":"image","datatype":"BYTES",` + rest + `}]}` }
	input := func(rest string) string { return `{"inputs":[{"name":"input","datatype":"FP32",` + rest + `}]}` }
	many := strings.Repeat("{},", 1000)
	for body, want := range map[string]string{
		`{`:                              "JSON cannot be read",
		`{}`:                             "must hold one tensor, input or image, and hold 0",
		`{"inputs":[{},{}]}`:             "and hold 2",
		`{"inputs":[` + many + `{}]}`:    "must be 8 at most",
		`{"inputs":7}`:                   "must be a list",
		`{"inputs":[{"name":"other"}]}`:  `\"other\" is unknown`,
		image(`"shape":[-1],"data":[]`):  "must be BYTES [-1]",
		image(`"shape":[0],"data":[]`):   "must be BYTES [-1]",
		image(`"shape":[1,2],"data":[]`): "must be BYTES [-1]",
		image(`"shape":[1,2,3,4,5,6,7,8,9],"data":[]`):                                                  "must be 8 at most",
		image(`"shape":[5],"data":[]`):                                                                  "may hold 4 pictures at most",
		image(`"shape":[2],"data":["AA=="]`):                                                            "has 1 values",
		image(`"shape":[1],"data":["%"]`):                                                               "not base64",
		image(`"shape":[1],"data":[null]`):                                                              "not base64",
		image(`"shape":[1],"data":[7]`):                                                                 "not base64",
		image(`"shape":[1],"data":"AA=="`):                                                              "needs data, a list",
		image(`"shape":[1]`):                                                                            "needs data, a list",
		image(`"shape":[1],"data":["AQI="]`):                                                            "picture 0: is not a JPEG",
		image(`"shape":[1],"parameters":{"binary_data_size":5}`):                                        "there are 0 bytes",
		image(`"shape":[1],"data":["A"],"parameters":{"binary_data_size":0}`):                           "has data in JSON and binary data",
		input(`"shape":[1,3,31,32],"data":[]`):                                                          "must be FP32 [-1 3 32 32]",
		input(`"shape":[4611686018427387904,3,32,32],"data":[]`):                                        "may hold 4 pictures at most",
		input(`"shape":[1,3,32,32],"data":[1,2]`):                                                       "has 2 values",
		input(`"shape":[1,3,32,32],"data":["x"]`):                                                       "is not a number",
		input(`"shape":[1,3,32,32],"data":[1e99]`):                                                      "is not a number of 32 bits",
		input(`"shape":[1,3,32,32],"data":[{"a":1}]`):                                                   "is not a number",
		strings.Replace(image(`"shape":[1],"data":["AA=="]`), "}]}", `}],"outputs":[{"name":"x"}]}`, 1): `\"x\" is unknown`,
		strings.Replace(image(`"shape":[1],"data":["AA=="]`), "}]}", `}],"outputs":[{"name":"logits"},{"name":"logits"}]}`, 1):                   "is there twice",
		strings.Replace(image(`"shape":[1],"data":["AA=="]`), "}]}", `}],"outputs":[{"name":"features","parameters":{"classification":1}}]}`, 1): "classification of features",
	} {
		status, answer := post(t, address+"/v2/models/tiny/infer", "application/json", []byte(body))
		if status < 400 || status >= 500 || !strings.Contains(string(answer), want) {
			t.Errorf("%.80s: %d %s, want %q", body, status, answer, want)
		}
	}
	for length, want := range map[string]string{"x": "must be from 0", "-1": "must be from 0", "99": "must be from 0"} {
		status, answer := post(t, address+"/v2/models/tiny/infer", "", []byte("{}"), headerLength, length)
		if status != 400 || !strings.Contains(string(answer), want) {
			t.Errorf("length %s: %d %s", length, status, answer)
		}
	}
	nan := input(`"shape":[1,3,32,32],"parameters":{"binary_data_size":12288}`)
	status, answer := post(t, address+"/v2/models/tiny/infer", "",
		append([]byte(nan), floatsOf(slices.Repeat([]float32{float32(math.NaN())}, 3*32*32))...), headerLength, strconv.Itoa(len(nan)))
	if status != 400 || !strings.Contains(string(answer), "NaN or infinite") {
		t.Errorf("NaN: %d %s", status, answer)
	}
	if s.places.free != 4 || s.batcher.coming.Load() != 0 {
		t.Errorf("%d places are free, %d inputs announced", s.places.free, s.batcher.coming.Load())
	}
}

// Whatever the body, there is an answer, and nothing stays taken.
func FuzzInfer(f *testing.F) {
	address, s := serving(f, func(o *Options) { o.Queue = 4; o.Log = func(string) {} })
	f.Add([]byte(`{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AA=="]}],"outputs":[{"name":"logits"}]}`), 0)
	f.Add([]byte(`{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}`+"\x01\x00\x00\x00a"), 92)
	f.Add([]byte(`{"inputs":[{"name":"input","datatype":"FP32","shape":[1,3,32,32],"data":[[1,2],[3]]}]}`), 0)
	f.Fuzz(func(t *testing.T, body []byte, length int) {
		var header []string
		if length != 0 {
			header = []string{headerLength, strconv.Itoa(length)}
		}
		if status, answer := post(t, address+"/v2/models/tiny/infer", "", body, header...); status >= 500 {
			t.Errorf("%d %s", status, answer)
		}
		if s.places.free != 4 || s.bodies.free != s.options.Bodies || s.batcher.coming.Load() != 0 {
			t.Errorf("%d places and %d bytes are free, %d inputs announced", s.places.free, s.bodies.free, s.batcher.coming.Load())
		}
	})
}

func FuzzUploads(f *testing.F) {
	f.Add("application/json", []byte(`{"image":"AA=="}`))
	f.Add("application/json", []byte(`{"images":["AA==","data:,"]}`))
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nhello\r\n--x--\r\n"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		all, alone, err := uploads(kind, body, 4)
		if err == nil && (len(all) == 0 || len(all) > 4 || alone && len(all) != 1) {
			t.Errorf("%d pictures, alone %v", len(all), alone)
		}
	})
}
