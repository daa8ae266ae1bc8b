package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/textfile"
)

// upload is a picture file of a request.
type upload struct {
	name string
	data []byte
}

// uploads are the pictures of a request's body: the body itself; the files of a
// multipart form; or those of a JSON object in base64, {"image": "..."} or
// {"images": [...]}, which is recognised also where the header does not say that it is
// one. There may be so many at most. alone says that the request has the
// form of one.
func uploads(contentType string, body []byte, most int) (all []upload, alone bool, err error) {
	kind, params, mimeErr := mime.ParseMediaType(contentType)
	if mimeErr != nil {
		kind = "" // which may be anything
	}
	switch {
	case kind == "multipart/form-data":
		all, err = uploadsOfForm(body, params["boundary"], most)
	case kind == "application/json", bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		all, alone, err = uploadsOfJSON(body, most)
	default:
		all, alone = []upload{{"picture", body}}, true
	}
	switch {
	case err != nil:
		return nil, false, err
	case len(all) == 0:
		return nil, false, bad("the request holds no picture")
	}
	return all, alone, nil
}

func uploadsOfForm(body []byte, boundary string, most int) (all []upload, err error) {
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, bad("the form cannot be read: %w", err)
		}
		if part.FileName() == "" {
			continue // a field of another kind
		}
		if len(all) == most {
			return nil, bad("a request may hold %d pictures at most", most)
		}
		data, err := io.ReadAll(part) // of the body, which is in memory
		if err != nil {
			return nil, bad("the form cannot be read: %w", err)
		}
		all = append(all, upload{part.FileName(), data})
	}
}

func uploadsOfJSON(body []byte, most int) (all []upload, alone bool, err error) {
	var request struct {
		Image  string          `json:"image"`
		Images json.RawMessage `json:"images"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, false, bad("the JSON cannot be read: %w", textfile.JSONError(err))
	}
	var texts []string
	if alone = request.Image != ""; alone {
		texts = []string{request.Image}
	} else if request.Images != nil {
		if texts, err = atMost[string](request.Images, most); err != nil {
			return nil, false, bad("images: %w", err)
		}
	}
	for i, text := range texts {
		data, err := decodeBase64(text)
		if err != nil {
			return nil, false, bad("picture %d: %w", i, err)
		}
		all = append(all, upload{fmt.Sprintf("picture %d", i), data})
	}
	if alone {
		all[0].name = "picture"
	}
	return all, alone, nil
}

// decodeBase64 reads base64, also of a data: address.
func decodeBase64(text string) ([]byte, error) {
	if strings.HasPrefix(text, "data:") {
		_, text, _ = strings.Cut(text, ",")
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("is not base64: %w", err)
	}
	return data, nil
}

// inputs decodes pictures and prepares them for the network. They are announced to
// the batcher; after an error they are not any more.
func (s *Server) inputs(ctx context.Context, all []upload) (rows [][]float32, damage []string, err error) {
	s.batcher.announce(len(all))
	defer func() {
		if err != nil {
			s.batcher.announce(-len(all))
		}
	}()
	for _, u := range all {
		row, harm, err := s.input(ctx, u)
		if err != nil {
			return nil, nil, err
		}
		rows, damage = append(rows, row), append(damage, harm)
	}
	return rows, damage, nil
}

// input decodes and prepares one picture.
func (s *Server) input(ctx context.Context, u upload) (row []float32, damage string, err error) {
	err = s.withPicture(ctx, u, func(im picture.Image) {
		p := s.options.Metadata.Preprocess
		row, damage = make([]float32, 3*p.Size*p.Size), im.Damage
		var r picture.Resampler
		p.Apply(row, im, &r)
	})
	return row, damage, err
}

// withPicture decodes a picture when a decoder is free, and lends it to use if the
// network takes it.
func (s *Server) withPicture(ctx context.Context, u upload, use func(picture.Image)) error {
	select {
	case s.decoding <- struct{}{}:
		defer func() { <-s.decoding }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	im, giveBack, err := s.options.Decoder.Lend(u.data)
	defer giveBack()
	if err == nil {
		err = s.options.Metadata.Preprocess.Takes(im)
	}
	if err != nil {
		return refusal{http.StatusUnprocessableEntity, fmt.Errorf("%s: %w", u.name, err)}
	}
	use(im)
	return nil
}

// answer is what the network says of one picture.
type answer struct {
	Image    string           `json:"image"`
	Classes  []evaluate.Class `json:"classes,omitempty"`
	Features []float32        `json:"features,omitempty"`
	Damage   string           `json:"damage,omitempty"` // of a picture that was used as far as it goes
}

// predict answers with the most probable classes, as predict --json does.
func (s *Server) predict(ctx context.Context, w http.ResponseWriter, r *http.Request, body []byte) error {
	if s.classes == nil {
		return bad("the weights have no classifier; POST /features gives what the network sees")
	}
	top, err := s.top(r)
	if err != nil {
		return err
	}
	return s.answer(ctx, w, r, body, func(a *answer, o output) { a.Classes = evaluate.Top(o.logits, s.classes, top) })
}

// features answers with the pooled features.
func (s *Server) features(ctx context.Context, w http.ResponseWriter, r *http.Request, body []byte) error {
	if err := known(r.URL.Query()); err != nil {
		return err
	}
	return s.answer(ctx, w, r, body, func(a *answer, o output) { a.Features = o.features })
}

func (s *Server) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, body []byte,
	fill func(*answer, output)) error {
	all, alone, err := uploads(r.Header.Get("Content-Type"), body, s.options.Queue)
	if err != nil {
		return err
	}
	leave, err := s.room(len(all))
	defer leave()
	if err != nil {
		return err
	}
	rows, damage, err := s.inputs(ctx, all)
	if err != nil {
		return err
	}
	outputs, err := s.batcher.run(ctx, rows)
	if errors.Is(err, model.ErrNotFinite) {
		return refusal{http.StatusUnprocessableEntity, err}
	}
	if err != nil {
		return err
	}
	leave()
	answers := make([]answer, len(all))
	for i, o := range outputs {
		answers[i] = answer{Image: all[i].name, Damage: damage[i]}
		fill(&answers[i], o)
	}
	if alone {
		writeJSON(w, http.StatusOK, answers[0])
		return nil
	}
	writeJSON(w, http.StatusOK, answers)
	return nil
}

// top is how many classes a request asks for.
func (s *Server) top(r *http.Request) (int, error) {
	query := r.URL.Query()
	if err := known(query, "top"); err != nil {
		return 0, err
	}
	text := query.Get("top")
	if text == "" {
		return 5, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, bad("top: must be a number of at least 1, is %q", text)
	}
	return min(n, len(s.classes)), nil
}
