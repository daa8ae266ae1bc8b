package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/model/modeltest"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// options are those of a network that runs in milliseconds.
func options(t testing.TB) Options {
	t.Helper()
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Aux, spec.Classes = 32, 0.05, model.AuxNone, 3
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	w, err := model.ZeroWeights(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range w.Params {
		if err := p.SetValues(modeltest.Values(p)); err != nil {
			t.Fatal(err)
		}
	}
	o := DefaultOptions()
	o.Name, o.Weights, o.Version = "tiny", w, "v9"
	o.Metadata = weights.Metadata{Spec: spec, Labels: []string{"rose", "tulip", "daisy"}, Preprocess: picture.TorchvisionPreprocess(32)}
	o.Decoder = picture.NewDecoder(picture.Limits{MaxPixels: 1 << 20, Memory: 64 << 20})
	o.Log = func(text string) { t.Log(text) }
	return o
}

// serving returns the address of a server and the server.
func serving(t testing.TB, change func(*Options)) (string, *Server) {
	t.Helper()
	o := options(t)
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return h.URL, s
}

// drawing is a PNG.
func drawing(t testing.TB, c color.Color) []byte {
	t.Helper()
	im := image.NewRGBA(image.Rect(0, 0, 50, 40))
	for y := range 40 {
		for x := range 50 {
			if (x+y)%7 > 2 {
				im.Set(x, y, c)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// post sends a body and returns the status and the answer.
func post(t testing.TB, address, contentType string, body []byte, header ...string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequest("POST", address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, text
}

func decoded[T any](t testing.TB, text []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// A picture gets the same classes whatever way it comes, and those of predict.
func TestPicturesComeAsTheyLike(t *testing.T) {
	address, s := serving(t, nil)
	pictures := [][]byte{drawing(t, color.RGBA{200, 30, 30, 255}), drawing(t, color.RGBA{20, 90, 200, 255})}
	var want [][]evaluate.Class
	p, err := evaluate.NewPredictor(s.options.Weights, evaluate.PredictOptions{RunOptions: evaluate.RunOptions{
		Options: evaluate.Options{BatchSize: 1}, Preprocess: s.options.Metadata.Preprocess,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, data := range pictures {
		im, err := s.options.Decoder.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		err = p.RunSet(context.Background(), single{im}, func(out evaluate.Output) error {
			want = append(want, evaluate.Top(out.Logits, s.classes, 2))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	for i, data := range pictures {
		w, _ := parts.CreateFormFile("file", fmt.Sprintf("%d.png", i))
		_, _ = w.Write(data)
	}
	_ = parts.WriteField("note", "not a picture")
	_ = parts.Close()
	text := base64.StdEncoding.EncodeToString
	for what, c := range map[string]struct {
		kind string
		body []byte
		n    int // 0 is one alone
	}{
		"a body":       {"", pictures[0], 0},
		"curl's body":  {"application/x-www-form-urlencoded", pictures[0], 0},
		"a form":       {parts.FormDataContentType(), form.Bytes(), 2},
		"JSON":         {"application/json", []byte(`{"image":"` + text(pictures[0]) + `"}`), 0},
		"an address":   {"application/json; charset=utf-8", []byte(`{"image":"data:image/png;base64,` + text(pictures[0]) + `"}`), 0},
		"JSON of both": {"application/json", []byte(`{"images":["` + text(pictures[0]) + `","` + text(pictures[1]) + `"]}`), 2},
	} {
		status, body := post(t, address+"/predict?top=2", c.kind, c.body)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", what, status, body)
			continue
		}
		var answers []answer
		if c.n == 0 {
			answers = []answer{decoded[answer](t, body)}
		} else {
			answers = decoded[[]answer](t, body)
		}
		if len(answers) != max(1, c.n) {
			t.Errorf("%s: %d answers", what, len(answers))
		}
		for i, a := range answers {
			for k, class := range a.Classes {
				if d := class.Prob - want[i][k].Prob; len(a.Classes) != 2 || class.Label != want[i][k].Label || d > 1e-4 || d < -1e-4 {
					t.Errorf("%s: picture %d is %v, want %v", what, i, a.Classes, want[i])
				}
			}
		}
	}
}

// single is a set of one picture.
type single struct{ im picture.Image }

func (single) Len() int                           { return 1 }
func (single) Classes() []string                  { return []string{""} }
func (single) Label(int) int                      { return 0 }
func (single) Name(int) string                    { return "picture" }
func (s single) Image(int) (picture.Image, error) { return s.im, nil }

func TestFeaturesAndMaps(t *testing.T) {
	address, server := serving(t, nil)
	data := drawing(t, color.White)
	status, body := post(t, address+"/features", "", data)
	if a := decoded[answer](t, body); status != http.StatusOK || len(a.Features) != 96 {
		t.Errorf("features: %d %s", status, body)
	}
	status, body = post(t, address+"/explain?class=tulip&at=Mixed_5d&at=Mixed_6e&method=layercam", "", data)
	e := decoded[explanation](t, body)
	if status != http.StatusOK || e.Class.Label != "tulip" || len(e.Maps) != 2 || e.Maps[1].At != "Mixed_6e" ||
		len(e.Maps[1].Values) != e.Maps[1].Shape[0]*e.Maps[1].Shape[1] {
		t.Errorf("explain: %d %s", status, body)
	}
	status, body = post(t, address+"/explain", "", data, "Accept", "image/png")
	if im, err := png.Decode(bytes.NewReader(body)); status != http.StatusOK || err != nil || im.Bounds().Dx() != 320 {
		t.Errorf("the overlay: %d, %v", status, err)
	}
	// A map on which nothing speaks for the class says so.
	dark := slices.Repeat([]float32{0}, 9)
	for accept, want := range map[string]string{"": `"warning":"nothing at Mixed_7c speaks for daisy"`, "image/png": "PNG"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/explain", nil)
		r.Header.Set("Accept", accept)
		found := explain.Result{Shown: picture.New(32, 32), Explanation: explain.Explanation{Logits: []float32{1, 2, 3}, Class: 2,
			Maps: []explain.Map{{At: "Mixed_7c", H: 3, W: 3, Values: dark}}}}
		if err := server.show(w, r, explain.GradCAM, found); err != nil || !strings.Contains(w.Body.String(), want) ||
			(w.Header().Get("X-Warning") == "nothing at Mixed_7c speaks for this class") != (accept != "") {
			t.Errorf("%q: %v, %v, %s", accept, err, w.Header(), w.Body)
		}
	}
	// The networks of few questions are kept; each still gets its own answer.
	for _, at := range []string{"Mixed_5b", "Mixed_5c", "Mixed_6a", "Mixed_5b"} {
		_, body := post(t, address+"/explain?at="+at, "", data)
		if e := decoded[explanation](t, body); len(e.Maps) != 1 || e.Maps[0].At != at {
			t.Errorf("at %s: %s", at, body)
		}
	}
	for query, want := range map[string]string{
		"clas=rose": "did you mean class?", "x=1": "there is class, method, at, head",
		"class=rise": "no class is called", "method=occlusion": "takes too long", "method=x": "must be one of", "at=Mixed_9z": "no layer",
		"head=aux": "no auxiliary head", "at=1&at=2&at=3&at=4&at=5&at=6&at=7&at=8&at=9": "too many",
	} {
		status, body := post(t, address+"/explain?"+query, "", data)
		if status != http.StatusBadRequest || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}

func TestARequestThatIsWrongIsToldWhy(t *testing.T) {
	address, _ := serving(t, func(o *Options) { o.Body, o.Queue = 100_000, 4 })
	good := drawing(t, color.White)
	huge := bytes.Clone(good)
	copy(huge[16:], []byte{0, 1, 0, 0, 0, 1, 0, 0}) // says that it is 65536 x 65536
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	five := `{"images":["","","","",""]}`
	for what, c := range map[string]struct {
		path, kind string
		body       []byte
		status     int
		want       string
	}{
		"not a picture":   {"/predict", "", []byte("hello"), 422, "picture: is not a JPEG"},
		"nothing":         {"/predict", "", nil, 422, "is empty"},
		"a broken one":    {"/predict", "image/png", good[:len(good)/2][:60], 422, "picture: "},
		"a huge claim":    {"/predict", "image/png", huge, 422, "pixels"},
		"a huge body":     {"/predict", "", make([]byte, 100_001), 413, "larger than 100000 bytes"},
		"no JSON":         {"/predict", "application/json", []byte("{"), 400, "JSON cannot be read"},
		"empty JSON":      {"/predict", "application/json", []byte("{}"), 400, "holds no picture"},
		"JSON of a list":  {"/predict", "application/json", []byte(`[1]`), 400, "JSON cannot be read"},
		"no base64":       {"/predict", "application/json", []byte(`{"image":"%"}`), 400, "is not base64"},
		"too many":        {"/predict", "application/json", []byte(five), 400, "must be 4 at most"},
		"an empty form":   {"/predict", "multipart/form-data; boundary=x", []byte("--x--\r\n"), 400, "holds no picture"},
		"a broken form":   {"/predict", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nhello"), 400, "form cannot be read"},
		"no boundary":     {"/predict", "multipart/form-data", []byte("x"), 400, "form cannot be read"},
		"top 0":           {"/predict?top=0", "", good, 400, "top: must be"},
		"another address": {"/nothing", "", good, 404, `{"error":"there is no /nothing here; there are /predict,`},
		"another method":  {"/model", "", good, 405, `{"error":"/model does not take POST; it takes GET, HEAD"}`},
		"a slip":          {"/predict?topp=2", "", good, 400, `parameter \"topp\" is unknown; did you mean top?`},
		"a parameter":     {"/features?top=2", "", good, 400, `parameter \"top\" is unknown; there is none`},
		"JSON unsaid":     {"/predict", "application/x-www-form-urlencoded", []byte(` {"image":"%"}`), 400, "is not base64"},
		"two to explain":  {"/explain", "application/json", []byte(`{"images":["",""]}`), 400, "must be 1 at most"},
	} {
		status, body := post(t, address+c.path, c.kind, c.body)
		if status != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: %d %s, want %d %q", what, status, body, c.status, c.want)
		}
	}
	if status, body := post(t, address+"/predict", "", good, "Content-Encoding", "gzip"); status != 415 {
		t.Errorf("gzip: %d %s", status, body)
	}
	answer, err := http.Get(address + "/predict")
	if err != nil || answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "POST" ||
		answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("GET: %v, %v", answer, err)
	}
	if status, _ := post(t, address+"/predict", "", good); status != 200 {
		t.Errorf("a picture after all that: %d", status)
	}
}

// Requests at once share batches and get their own answers.
func TestRequestsAtOnceRunTogether(t *testing.T) {
	address, s := serving(t, func(o *Options) { o.Delay, o.Queue = 50*time.Millisecond, 64 })
	pictures := make([][]byte, 16)
	want := make([]string, len(pictures))
	for i := range pictures {
		pictures[i] = drawing(t, color.RGBA{uint8(i * 16), uint8(255 - i*16), uint8(i * 5), 255})
		_, body := post(t, address+"/predict", "", pictures[i])
		want[i] = fmt.Sprintf("%.3f", decoded[answer](t, body).Classes[0].Logit)
	}
	var wait sync.WaitGroup
	for i, data := range pictures {
		wait.Go(func() {
			for range 3 {
				status, body := post(t, address+"/predict", "", data)
				if got := decoded[answer](t, body); status != 200 || fmt.Sprintf("%.3f", got.Classes[0].Logit) != want[i] {
					t.Errorf("picture %d: %d %s, want a logit of %s", i, status, body, want[i])
				}
			}
		})
	}
	wait.Wait()
	if coming := s.batcher.coming.Load(); coming != 0 {
		t.Errorf("%d inputs are announced and never come", coming)
	}
	if s.places.free != 64 || s.bodies.free != s.options.Bodies {
		t.Errorf("%d places and %d bytes are free, want 64 and %d", s.places.free, s.bodies.free, s.options.Bodies)
	}
	answer, err := http.Get(address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	for _, line := range []string{
		`inception_requests_total{code="200",route="/predict"} 64`, "inception_pictures_total 64", "inception_pictures_under_way 0",
		`inception_model{name="tiny",precision="fp32",variant="v3",version="v9"} 1`,
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

// collect takes what waits, waits for what is announced, and for nothing else.
func TestAPictureWaitsOnlyForThoseThatAreComing(t *testing.T) {
	b := &batcher{options: Options{Batch: 3, Delay: 80 * time.Millisecond}, queue: make(chan *job, 9)}
	job := func() *job {
		return &job{ctx: context.Background(), since: time.Now(), inputs: make([][]float32, 1)}
	}
	took := func(first int) (int, time.Duration) {
		began := time.Now()
		j := job()
		for range first {
			b.queue <- job()
		}
		return len(b.collect(j)), time.Since(began)
	}
	if n, d := took(0); n != 1 || d > 40*time.Millisecond {
		t.Errorf("alone: %d in %v", n, d)
	}
	if n, _ := took(5); n != 3 || len(b.queue) != 3 {
		t.Errorf("of six that wait %d run, %d are left", n, len(b.queue))
	}
	for len(b.queue) > 0 {
		<-b.queue
	}
	b.announce(1)
	if n, d := took(0); n != 1 || d < 60*time.Millisecond {
		t.Errorf("one is announced and does not come: %d in %v", n, d)
	}
	time.AfterFunc(10*time.Millisecond, func() { b.queue <- job(); b.announce(-1) })
	if n, d := took(0); n != 2 || d > 70*time.Millisecond {
		t.Errorf("one is announced and comes: %d in %v", n, d)
	}
}

func TestWhoComesWhenThereIsNoRoomIsSentAway(t *testing.T) {
	address, s := serving(t, func(o *Options) { o.Queue = 2 })
	data := drawing(t, color.White)
	leave, err := s.room(2)
	if err != nil {
		t.Fatal(err)
	}
	request, _ := http.NewRequest("POST", address+"/predict", bytes.NewReader(data))
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("no room: %v, %v", answer, err)
	}
	leave()
	if status, body := post(t, address+"/predict", "", data); status != 200 {
		t.Errorf("room again: %d %s", status, body)
	}
	// The same for memory.
	s.bodies.free -= s.options.Bodies - 1000
	if status, body := post(t, address+"/predict", "", data); status != http.StatusServiceUnavailable {
		t.Errorf("no memory: %d %s", status, body)
	}
	s.bodies.free += s.options.Bodies - 1000
	if status, body := post(t, address+"/predict", "", data); status != 200 {
		t.Errorf("memory again: %d %s", status, body)
	}
}

func TestARequestThatTakesTooLongIsEnded(t *testing.T) {
	address, s := serving(t, func(o *Options) { o.Timeout = 200 * time.Millisecond })
	for range cap(s.decoding) { // all decoders are busy
		s.decoding <- struct{}{}
	}
	status, body := post(t, address+"/predict", "", drawing(t, color.White))
	if status != http.StatusServiceUnavailable || !strings.Contains(string(body), "took too long") {
		t.Errorf("%d %s", status, body)
	}
	if s.batcher.coming.Load() != 0 || s.places.free != int64(s.options.Queue) {
		t.Errorf("%d are announced, %d places are free", s.batcher.coming.Load(), s.places.free)
	}
}

// listening runs a server on a listener of its own, as the program does.
func listening(t *testing.T, change func(*Options)) (address string, s *Server, stop func() error) {
	t.Helper()
	o := options(t)
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		if closeErr := s.Close(); err == nil {
			err = closeErr
		}
		return err
	})
	t.Cleanup(func() { _ = stop() })
	return l.Addr().String(), s, stop
}

// Connections that send slowly or nothing are cut off, and others are answered
// meanwhile.
func TestSlowConnectionsStopNobody(t *testing.T) {
	address, s, _ := listening(t, func(o *Options) { o.Timeout = 700 * time.Millisecond; o.Queue = 2 })
	var slow []net.Conn
	for i := range 20 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		begin := "POST /predict HTTP/1.1\r\nHost: x\r\n"
		if i%2 == 0 { // these promise a body
			begin += "Content-Length: 1000000\r\n\r\n"
		}
		if _, err := io.WriteString(c, begin); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	if status, body := post(t, "http://"+address+"/predict", "", drawing(t, color.White)); status != 200 {
		t.Errorf("beside slow ones: %d %s", status, body)
	}
	for i, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := io.ReadAll(c)
		if err != nil {
			t.Errorf("connection %d is not closed: %v", i, err)
		}
		if text := string(answer); i%2 == 0 && !strings.HasPrefix(text, "HTTP/1.1 408") {
			t.Errorf("connection %d: %q", i, text)
		}
	}
	if s.bodies.free != s.options.Bodies {
		t.Errorf("%d bytes are still taken", s.options.Bodies-s.bodies.free)
	}
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	address, _, _ := listening(t, func(o *Options) { o.Connections = 3 })
	var open []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	time.Sleep(50 * time.Millisecond) // until they are accepted
	client := &http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{}}
	if _, err := client.Get("http://" + address + "/v2/health/live"); err == nil {
		t.Error("a fourth connection is answered")
	}
	open[0].Close()
	client.Timeout = 5 * time.Second
	answer, err := client.Get("http://" + address + "/v2/health/live")
	if err != nil || answer.StatusCode != 200 {
		t.Errorf("when one has gone: %v", err)
	}
}

// A request under way is answered although the server stops; later ones are not.
func TestTheServerStopsWhenItsRequestsAreAnswered(t *testing.T) {
	address, s, stop := listening(t, nil)
	for range cap(s.decoding) {
		s.decoding <- struct{}{} // so that the request waits
	}
	answered := make(chan int, 1)
	go func() {
		status, _ := post(t, "http://"+address+"/predict", "", drawing(t, color.White))
		answered <- status
	}()
	for s.batcher.coming.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for s.ready() {
		time.Sleep(time.Millisecond)
	}
	select {
	case status := <-answered:
		t.Errorf("answered early: %d", status)
	case err := <-ended:
		t.Errorf("stopped early: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	for range cap(s.decoding) {
		<-s.decoding
	}
	if status := <-answered; status != 200 {
		t.Errorf("the request under way: %d", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + address + "/v2/health/live"); err == nil {
		t.Error("the server still answers")
	}
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	address, _ := serving(t, nil)
	answer, err := http.Get(address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if strings.Contains(string(text), "http://") || strings.Contains(string(text), "https://") {
		t.Error("the page names another server")
	}
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("the policy is %q", policy)
	}
}

func TestListenSaysWhereToGo(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:0": "http://127.0.0.1:", "0.0.0.0:0": "http://127.0.0.1:", ":0": "http://127.0.0.1:",
	} {
		l, address, err := Listen(addr)
		if err != nil || !strings.HasPrefix(address, want) || strings.HasSuffix(address, ":0") {
			t.Fatalf("%s: %s, %v", addr, address, err)
		}
		l.Close()
	}
	for _, addr := range []string{"80800", ":80800", "localhost", "127.0.0.1:-1", ""} {
		if _, _, err := Listen(addr); err == nil || !strings.HasPrefix(err.Error(), "must be host:port, such as 127.0.0.1:8080, or :8080") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"batch: must be":           func(o *Options) { o.Batch = 0 },
		"max-delay: must be":       func(o *Options) { o.Delay = time.Minute },
		"queue: must be":           func(o *Options) { o.Queue = 0 },
		"max-connections: must be": func(o *Options) { o.Connections = 0 },
		"max-body: must be":        func(o *Options) { o.Body = 0 },
		"timeout: must be":         func(o *Options) { o.Timeout = time.Millisecond },
		"build the network":        func(o *Options) { o.Metadata.Preprocess.Size = 5 },
	} {
		o := options(t)
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for batch, want := range map[int][]int{1: {1}, 8: {8, 4, 2, 1}, 6: {6, 4, 2, 1}} {
		o := options(t)
		o.Batch = batch
		e, err := newEngine(o)
		if err != nil || !slices.Equal(e.sizes, want) {
			t.Errorf("batch %d: %v, %v", batch, e.sizes, err)
		}
		_ = e.close()
	}
}

func TestAnEngineThatFailsKeepsNoNetworks(t *testing.T) {
	o := options(t)
	o.Batch = 2
	e, err := newEngine(o)
	if err != nil {
		t.Fatal(err)
	}
	other, err := model.Build(o.Weights.Spec, o.Weights, 2, model.Eval, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.networks[1].Close(); err != nil {
		t.Fatal(err)
	}
	e.networks[1] = other // takes two inputs
	if err := e.warm(); err == nil || len(e.networks) != 0 {
		t.Errorf("error is %v, %d networks are left", err, len(e.networks))
	}
}

func TestNoNetworkIsBuiltForARequestThatHasEnded(t *testing.T) {
	o := options(t)
	m := &mapper{options: o}
	ctx, cancel := context.WithCancelCause(context.Background())
	gone := errors.New("gone")
	cancel(gone)
	err := m.with(ctx, explain.Options{Method: explain.GradCAM, Size: 32, Batch: 1}, func(*explain.Explainer) error {
		t.Error("is asked")
		return nil
	})
	if !errors.Is(err, gone) || len(m.recent) != 0 {
		t.Errorf("error is %v, %d networks were built", err, len(m.recent))
	}
}

// Without a classifier there are features only.
func TestWeightsWithoutAClassifierGiveFeatures(t *testing.T) {
	address, _ := serving(t, func(o *Options) { o.Metadata.NoHead, o.Metadata.Labels = true, nil })
	data := drawing(t, color.White)
	if status, body := post(t, address+"/features", "", data); status != 200 {
		t.Errorf("features: %d %s", status, body)
	}
	for _, path := range []string{"/predict", "/explain"} {
		if status, body := post(t, address+path, "", data); status != 400 || !strings.Contains(string(body), "no classifier") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestTheDocumentationNamesWhatModelAnswers(t *testing.T) {
	address, _ := serving(t, nil)
	reply, err := http.Get(address + "/model")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(string(page), "| `GET /model` | `")
	row, _, _ = strings.Cut(row, "`")
	var documented []string
	for _, name := range strings.Split(row, `"`) {
		if strings.Trim(name, `{}[]:., `) != "" {
			documented = append(documented, name)
		}
	}
	answered := slices.Sorted(maps.Keys(decoded[map[string]any](t, text)))
	if slices.Sort(documented); !slices.Equal(documented, answered) {
		t.Errorf("docs/serve.md says %q, /model answers %q", documented, answered)
	}
}
