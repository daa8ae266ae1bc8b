package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// IsURL reports whether a word is the address of something on the web.
func IsURL(word string) bool {
	scheme, rest, ok := strings.Cut(word, "://")
	return ok && rest != "" && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// Bytes returns what is at an http or https address, at most so many bytes, as
// one try gives it. Options' Client and Stall count.
func Bytes(ctx context.Context, url string, most int64, o Options) ([]byte, error) {
	o = o.filled()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(o.Stall, func() { cancel(fmt.Errorf("no data received for %s", o.Stall)) })
	defer stalled.Stop()

	client := *o.Client
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if !IsURL(r.URL.String()) || len(via) >= 10 {
			return errors.New("the server sends elsewhere, to no http address or too often")
		}
		return nil
	}
	answer, err := File{URL: url}.request(ctx, &client, 0)
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, statusError(answer)
	}
	body := &lively{io.LimitReader(answer.Body, most+1), func() { stalled.Reset(o.Stall) }}
	data, err := io.ReadAll(body)
	switch {
	case err != nil:
		return nil, causeOf(ctx, err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("has more than %d bytes", most)
	}
	return data, nil
}

// lively is a reader that tells whenever something comes.
type lively struct {
	io.Reader
	came func()
}

func (l *lively) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if n > 0 {
		l.came()
	}
	return n, err
}
