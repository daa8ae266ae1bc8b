package serve

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/spelling"
)

// Handler returns all routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	route := func(method, path string, h http.HandlerFunc) {
		mux.HandleFunc(method+" "+path, s.metrics.counted(path, h))
	}
	route("GET", "/{$}", s.page)
	route("GET", "/model", s.about)
	route("POST", "/predict", s.bounded(s.predict))
	route("POST", "/features", s.bounded(s.features))
	route("POST", "/explain", s.bounded(s.explain))
	route("GET", "/v2", s.serverMetadata)
	route("GET", "/v2/{$}", s.serverMetadata)
	route("GET", "/v2/health/live", s.live)
	route("GET", "/v2/health/ready", s.serverReady)
	for _, model := range []string{"/v2/models/{model}", "/v2/models/{model}/versions/{version}"} {
		route("GET", model, s.named(s.modelMetadata))
		route("GET", model+"/ready", s.named(s.modelReady))
		route("POST", model+"/infer", s.named(s.bounded(s.infer)))
	}
	mux.Handle("GET /metrics", s.metrics.handler())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own, pattern := mux.Handler(r); pattern == "" {
			s.astray(w, r, own)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// astray answers a request for which there is no route, as all errors are answered; own
// is the mux' answer in plain text, which knows the methods that there are.
func (s *Server) astray(w http.ResponseWriter, r *http.Request, own http.Handler) {
	said := &unsaid{header: w.Header(), code: http.StatusNotFound}
	own.ServeHTTP(said, r)
	if said.code < http.StatusBadRequest { // to the address without //
		own.ServeHTTP(w, r)
		return
	}
	err := fmt.Errorf("there is no %s here; there are /predict, /features, /explain, /model, /metrics and /v2", r.URL.Path)
	if said.code == http.StatusMethodNotAllowed {
		err = fmt.Errorf("%s does not take %s; it takes %s", r.URL.Path, r.Method, w.Header().Get("Allow"))
	}
	s.refuse(w, refusal{said.code, err})
}

// unsaid is an answer of which the header and the status alone are used.
type unsaid struct {
	header http.Header
	code   int
}

func (u *unsaid) Header() http.Header            { return u.header }
func (u *unsaid) WriteHeader(code int)           { u.code = code }
func (u *unsaid) Write(text []byte) (int, error) { return len(text), nil }

// known refuses parameters of an address that mean nothing.
func known(query url.Values, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if slices.Contains(names, name) {
			continue
		}
		if nearest, ok := spelling.Near(name, names); ok {
			return bad("parameter %q is unknown; did you mean %s?", name, nearest)
		}
		if len(names) == 0 {
			return bad("parameter %q is unknown; there is none", name)
		}
		return bad("parameter %q is unknown; there is %s", name, strings.Join(names, ", "))
	}
	return nil
}
