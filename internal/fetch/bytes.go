package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
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
func Bytes(ctx context.Context, address string, most int64, o Options) ([]byte, error) {
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
	answer, err := File{URL: address}.request(ctx, &client, 0)
	if err != nil {
		return nil, causeOf(ctx, unreached(err))
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

// unreached returns why no answer came, without the address, which the caller
// names, and the steps on the way there.
func unreached(err error) error {
	var host *net.DNSError
	var system *os.SyscallError
	var asked *url.Error
	switch {
	case errors.As(err, &host):
		return fmt.Errorf("the server cannot be found: %s: %s", host.Name, host.Err)
	case errors.As(err, &system):
		return fmt.Errorf("the server cannot be reached: %w", system.Err)
	case errors.As(err, &asked):
		return asked.Err
	}
	return err
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
