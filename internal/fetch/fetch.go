// Package fetch downloads files with a known checksum. It resumes interrupted
// downloads, and a file gets its name only when it is complete and its checksum
// matches.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// File is what to download and where to.
type File struct {
	URL    string
	Path   string // on this machine
	SHA256 string // the checksum or its first hexadecimal digits
}

// Options configure a download. The zero value is ready to use.
type Options struct {
	Client   *http.Client                // nil: http.DefaultClient
	Stall    time.Duration               // give up after this long without a byte; 0: a minute
	Pause    time.Duration               // before the second try, then twice that; 0: a second
	Progress func(done, total int64)     // total is -1 if unknown
	Retry    func(err error, done int64) // called after a failed try, before the next
}

// tries is how often a transfer is tried in total.
const tries = 4

// partSuffix ends the name of an incomplete file.
const partSuffix = ".part"

// Get downloads a file. If it already exists and its checksum matches, nothing
// is transferred and fetched is false. After an error, the next call resumes
// from the partial file next to Path.
func Get(ctx context.Context, f File, o Options) (fetched bool, err error) {
	if _, err := os.Stat(f.Path); err == nil {
		if err := f.check(f.Path); err != nil {
			return false, fmt.Errorf("%w; delete it or choose another name", err)
		}
		return false, nil
	}
	o = o.filled()
	for try := 1; ; try++ {
		done, err := f.transfer(ctx, o)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		var final finalError
		if errors.As(err, &final) || try == tries {
			return false, f.explain(err)
		}
		if o.Retry != nil {
			o.Retry(err, done)
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(o.Pause << (try - 1)):
		}
	}
	part := f.Path + partSuffix
	if err := f.check(part); err != nil {
		_ = os.Remove(part)
		return false, fmt.Errorf("download %s: %w; it was deleted, so try again; if that does not help, something between "+
			"here and the server changes the file", f.URL, err)
	}
	if err := os.Rename(part, f.Path); err != nil {
		return false, fmt.Errorf("download: %w", err)
	}
	return true, nil
}

func (o Options) filled() Options {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Stall == 0 {
		o.Stall = time.Minute
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	return o
}

// check compares a file with the checksum.
func (f File) check(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, in); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); !strings.HasPrefix(sum, f.SHA256) {
		return fmt.Errorf("%s has the SHA-256 %s, expected %s", path, sum, f.expected())
	}
	return nil
}

func (f File) expected() string {
	if len(f.SHA256) < 2*sha256.Size {
		return f.SHA256 + "..."
	}
	return f.SHA256
}

// finalError is an error that another try will not fix.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// transfer downloads the missing part of the partial file. It returns how many
// bytes the file has.
func (f File) transfer(ctx context.Context, o Options) (done int64, err error) {
	part, err := os.OpenFile(f.Path+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return 0, finalError{err}
	}
	defer func() {
		if closeErr := part.Close(); err == nil && closeErr != nil {
			err = finalError{closeErr}
		}
		if err != nil && done == 0 {
			_ = os.Remove(part.Name()) // nothing to go on from
		}
	}()
	info, err := part.Stat()
	if err != nil {
		return 0, finalError{err}
	}
	done = info.Size()

	// A stalled connection is closed.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(o.Stall, func() { cancel(fmt.Errorf("no data received for %s", o.Stall)) })
	defer stalled.Stop()

	answer, err := f.request(ctx, o.Client, done)
	if err != nil {
		return done, causeOf(ctx, err)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusRequestedRangeNotSatisfiable && done > 0:
		// The file is complete, or it is not the start of this file.
		if f.check(part.Name()) == nil {
			return done, nil
		}
		if err := part.Truncate(0); err != nil {
			return 0, finalError{err}
		}
		return 0, errors.New("the partial file is as long as the server's, but its checksum is wrong")
	case answer.StatusCode == http.StatusPartialContent && begins(answer, done):
	case answer.StatusCode == http.StatusOK:
		if err := part.Truncate(0); err != nil {
			return 0, finalError{err}
		}
		done = 0
	default:
		return done, statusError(answer)
	}
	total := int64(-1)
	if answer.ContentLength >= 0 {
		total = done + answer.ContentLength
	}
	buffer := make([]byte, 1<<18)
	for {
		n, err := answer.Body.Read(buffer)
		stalled.Reset(o.Stall)
		if _, err := part.Write(buffer[:n]); err != nil {
			return done, finalError{err}
		}
		done += int64(n)
		o.Progress(done, total)
		if err == io.EOF {
			return done, durable(part)
		}
		if err != nil {
			return done, causeOf(ctx, err)
		}
	}
}

// request asks for the file starting at a byte.
func (f File) request(ctx context.Context, client *http.Client, from int64) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, finalError{err}
	}
	r.Header.Set("Accept-Encoding", "identity") // ranges refer to the file, not to compressed data
	if from > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	return client.Do(r)
}

// begins reports whether a partial answer starts at the requested byte.
func begins(answer *http.Response, from int64) bool {
	var first int64
	_, err := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes %d-", &first)
	return err == nil && first == from
}

// statusError returns an error for an answer without the file. It is final
// unless the server is busy or broken, which may be over at the next try.
func statusError(answer *http.Response) error {
	err := fmt.Errorf("the server answers %s", answer.Status)
	if code := answer.StatusCode; code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout {
		return err
	}
	return finalError{err}
}

// causeOf returns the cause of a stall, which otherwise looks like a cancelled context.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func durable(f *os.File) error {
	if err := f.Sync(); err != nil {
		return finalError{err}
	}
	return nil
}

// explain says what a user can do about a download that failed.
func (f File) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("download %s: no space left on the disk for %s; "+
			"free some and run the command again to resume: %w", f.URL,
			f.Path, syscall.ENOSPC)
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("download: %w", err)
	}
	return fmt.Errorf("download %s: %w; run the command again to resume, or put the file at %s by other means",
		f.URL, err, f.Path)
}
