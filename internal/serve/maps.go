package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/picture"
)

// mapper explains pictures, one at a time, with the networks of the last few
// questions.
type mapper struct {
	options Options
	mu      sync.Mutex
	recent  []keptExplainer // the last used one last
}

type keptExplainer struct {
	key string
	*explain.Explainer
}

// mostExplainers is how many networks are kept.
const mostExplainers = 2

// with calls use with the explainer for o, alone, unless ctx has ended by then.
func (m *mapper) with(ctx context.Context, o explain.Options, use func(*explain.Explainer) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil { // nobody waits for the network any more
		return context.Cause(ctx)
	}
	key := fmt.Sprintf("%q %q %q", o.Method, o.At, o.Head)
	if i := slices.IndexFunc(m.recent, func(k keptExplainer) bool { return k.key == key }); i >= 0 {
		kept := m.recent[i]
		m.recent = append(slices.Delete(m.recent, i, i+1), kept)
		return use(kept.Explainer)
	}
	e, err := explain.New(m.options.Weights, o)
	if err != nil {
		return bad("%w", err)
	}
	if len(m.recent) == mostExplainers {
		_ = m.recent[0].Close() // its network is of no further use
		m.recent = slices.Delete(m.recent, 0, 1)
	}
	m.recent = append(m.recent, keptExplainer{key, e})
	return use(e)
}

func (m *mapper) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, k := range m.recent {
		errs = append(errs, k.Close())
	}
	return errors.Join(errs...)
}

// explanation is what the JSON of /explain says.
type explanation struct {
	Image  string         `json:"image"`
	Class  evaluate.Class `json:"class"`
	Method explain.Method `json:"method"`
	Maps   []heatMap      `json:"maps"`
}

// heatMap is a map of one point.
type heatMap struct {
	At      string    `json:"at"`
	Shape   [2]int    `json:"shape"` // height, width
	Values  []float32 `json:"values"`
	Largest float64   `json:"largest"`
	Warning string    `json:"warning,omitempty"` // of a map that is all 0
}

// emptyMap is what is said of such a map.
func emptyMap(at, class string) string { return fmt.Sprintf("nothing at %s speaks for %s", at, class) }

// explain answers with maps as JSON or, with Accept: image/png, with the map laid
// over the picture. The query says class, method (gradcam or layercam), at and
// head.
func (s *Server) explain(ctx context.Context, w http.ResponseWriter, r *http.Request, body []byte) error {
	if s.classes == nil {
		return bad("the weights have no classifier, so there is no class to explain")
	}
	all, _, err := uploads(r.Header.Get("Content-Type"), body, 1)
	if err != nil {
		return err
	}
	leave, err := s.room(1)
	defer leave()
	if err != nil {
		return err
	}
	o, question, err := s.question(r.URL.Query())
	if err != nil {
		return err
	}
	found := explain.Result{Path: all[0].name, Row: -1}
	var input []float32
	err = s.withPicture(ctx, all[0], func(im picture.Image) {
		input, found.Shown = explain.Prepare(im, s.options.Metadata.Preprocess)
	})
	if err != nil {
		return err
	}
	err = s.maps.with(ctx, o, func(e *explain.Explainer) error {
		explained, err := e.Explain(ctx, input, []explain.Question{question})
		if err == nil {
			found.Explanation = explained[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	leave()
	return s.show(w, r, o.Method, found)
}

// question reads the query.
func (s *Server) question(query url.Values) (o explain.Options, q explain.Question, err error) {
	if err := known(query, "class", "method", "at", "head"); err != nil {
		return o, q, err
	}
	q = explain.Most
	p := s.options.Metadata.Preprocess
	o = explain.Options{Method: explain.GradCAM, At: query["at"], Head: query.Get("head"), Size: p.Size, Batch: 1}
	if o.Head == "main" {
		o.Head = ""
	}
	if name := query.Get("method"); name != "" {
		if o.Method, err = explain.ParseMethod(name); err != nil {
			return o, q, bad("method: %w", err)
		}
	}
	if o.Method == explain.Occlusion {
		return o, q, bad("method: occlusion takes too long for a server; inception explain makes such maps")
	}
	if most := 8; len(o.At) > most {
		return o, q, bad("at: %d points are too many; the most is %d", len(o.At), most)
	}
	if name := query.Get("class"); name != "" {
		if q.Class, err = labels.Find(name, s.classes); err != nil {
			return o, q, bad("class: %w", err)
		}
	}
	return o, q, nil
}

// show writes an explanation in the form that the request asks for.
func (s *Server) show(w http.ResponseWriter, r *http.Request, method explain.Method, found explain.Result) error {
	if strings.Contains(r.Header.Get("Accept"), "image/png") {
		var overlays []picture.Image
		for _, m := range found.Maps {
			if m.Largest == 0 { // without the label, which may have letters that a header cannot have
				w.Header().Add("X-Warning", emptyMap(m.At, "this class"))
			}
			overlays = append(overlays, figure.Heat{W: m.W, H: m.H, Values: m.Values}.Over(found.Shown, false))
		}
		var b bytes.Buffer
		if err := png.Encode(&b, figure.SideBySide(overlays).Picture()); err != nil {
			return err
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(b.Bytes()) // the client may have gone
		return nil
	}
	e := explanation{Image: found.Path, Class: evaluate.ClassOf(found.Logits, s.classes, found.Class), Method: method}
	for _, m := range found.Maps {
		h := heatMap{At: m.At, Shape: [2]int{m.H, m.W}, Values: m.Values, Largest: m.Largest}
		if m.Largest == 0 {
			h.Warning = emptyMap(m.At, e.Class.Label)
		}
		e.Maps = append(e.Maps, h)
	}
	writeJSON(w, http.StatusOK, e)
	return nil
}
