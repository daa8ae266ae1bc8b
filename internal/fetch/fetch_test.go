package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// content is the content of the servers' file.
var content = bytes.Repeat([]byte("Going deeper with convolutions. "), 20_000)

func checksum() string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// quick are options for servers that fail on purpose.
func quick() Options { return Options{Pause: time.Millisecond} }

// serve starts a server and returns a file on it.
func serve(t *testing.T, handler http.HandlerFunc) File {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return File{URL: server.URL + "/models/x.pth", Path: filepath.Join(t.TempDir(), "x.pth"), SHA256: checksum()[:8]}
}

// whole serves the file as a web server does, with ranges.
func whole(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "x.pth", time.Time{}, bytes.NewReader(content))
}

// arrived checks that the folder contains the file and nothing else.
func arrived(t *testing.T, f File) {
	t.Helper()
	got, err := os.ReadFile(f.Path)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes arrived, %v", len(got), err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(f.Path)); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}

func TestAFileArrivesOnce(t *testing.T) {
	requests := 0
	f := serve(t, func(w http.ResponseWriter, r *http.Request) { requests++; whole(w, r) })
	var done, total int64
	o := quick()
	o.Progress = func(d, of int64) {
		if d < done {
			t.Errorf("progress fell from %d to %d", done, d)
		}
		done, total = d, of
	}
	for _, want := range []bool{true, false} {
		fetched, err := Get(t.Context(), f, o)
		if err != nil || fetched != want {
			t.Fatalf("fetched is %v, want %v; %v", fetched, want, err)
		}
		arrived(t, f)
	}
	if requests != 1 || done != int64(len(content)) || total != done {
		t.Errorf("%d requests, progress %d of %d", requests, done, total)
	}
}

func TestAPartialFileIsGoneOnWith(t *testing.T) {
	for name, part := range map[string][]byte{"half": content[:len(content)/2], "one byte": content[:1], "all": content} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			f := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if want := fmt.Sprintf("bytes=%d-", len(part)); r.Header.Get("Range") != want {
					t.Errorf("range is %q, want %q", r.Header.Get("Range"), want)
				}
				whole(counting{w, &sent}, r)
			})
			if err := os.WriteFile(f.Path+partSuffix, part, 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := Get(t.Context(), f, quick()); err != nil {
				t.Fatal(err)
			}
			arrived(t, f)
			if missing := len(content) - len(part); missing > 0 && sent != missing {
				t.Errorf("%d bytes were sent, %d were missing", sent, missing)
			}
		})
	}
}

type counting struct {
	http.ResponseWriter
	n *int
}

func (c counting) Write(b []byte) (int, error) {
	*c.n += len(b)
	return c.ResponseWriter.Write(b)
}

func TestAPartialFileOfSomethingElseBeginsAnew(t *testing.T) {
	f := serve(t, whole)
	if err := os.WriteFile(f.Path+partSuffix, make([]byte, len(content)+5), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), f, quick()); err != nil {
		t.Fatal(err)
	}
	arrived(t, f)
}

func TestAServerWithoutRangesSendsAll(t *testing.T) {
	f := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) })
	if err := os.WriteFile(f.Path+partSuffix, content[:1000], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), f, quick()); err != nil {
		t.Fatal(err)
	}
	arrived(t, f)
}

// TestABrokenTransferIsTakenUpAgain has a server that hangs up in the middle,
// is overloaded once, and then sends the rest.
func TestABrokenTransferIsTakenUpAgain(t *testing.T) {
	requests, retries := 0, 0
	f := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch requests++; requests {
		case 1:
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = w.Write(content[:200_000])
			panic(http.ErrAbortHandler)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			whole(w, r)
		}
	})
	o := quick()
	o.Retry = func(err error, done int64) {
		if retries++; err == nil || done == 0 {
			t.Errorf("retry after %d bytes, %v", done, err)
		}
	}
	if _, err := Get(t.Context(), f, o); err != nil {
		t.Fatal(err)
	}
	arrived(t, f)
	if requests != 3 || retries != 2 {
		t.Errorf("%d requests, %d retries", requests, retries)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"missing":  {http.NotFound, "404 Not Found"},
		"overload": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "502 Bad Gateway"},
		"another file": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Log in first</html>")) },
			"expected " + checksum()[:8] + "..."},
		"a wrong range": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 7-10/11")
			w.WriteHeader(http.StatusPartialContent)
		}, "206 Partial Content"},
		"a silent server": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no data received for"},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, c.handler)
			o := quick()
			o.Stall = 100 * time.Millisecond
			_, err := Get(t.Context(), f, o)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), f.URL) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
			if _, err := os.Stat(f.Path); err == nil {
				t.Error("the file is there all the same")
			}
			if info, err := os.Stat(f.Path + partSuffix); err == nil && info.Size() == 0 {
				t.Error("an empty partial file is left behind")
			}
		})
	}
}

func TestAnUnreachableServerIsNamed(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	f := File{URL: server.URL + "/x.pth", Path: filepath.Join(t.TempDir(), "x.pth"), SHA256: checksum()}
	if _, err := Get(t.Context(), f, quick()); err == nil || !strings.Contains(err.Error(), "by other means") {
		t.Error(err)
	}
	f.Path = filepath.Join(t.TempDir(), "none", "x.pth")
	if _, err := Get(t.Context(), f, quick()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestAFileThatIsThereButWrongIsKept(t *testing.T) {
	f := serve(t, whole)
	if err := os.WriteFile(f.Path, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), f, quick()); err == nil || !strings.Contains(err.Error(), "choose another name") {
		t.Error(err)
	}
	if got, _ := os.ReadFile(f.Path); string(got) != "mine" {
		t.Errorf("the file became %q", got)
	}
}

// TestStoppingKeepsWhatIsThere cancels in the middle, then resumes.
func TestStoppingKeepsWhatIsThere(t *testing.T) {
	first := true
	f := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !first {
			whole(w, r)
			return
		}
		first = false
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	stop := errors.New("stopped by interrupt")
	ctx, cancel := context.WithCancelCause(t.Context())
	o := quick()
	o.Progress = func(int64, int64) { cancel(stop) }
	if _, err := Get(ctx, f, o); !errors.Is(err, stop) {
		t.Fatalf("error is %v", err)
	}
	part, err := os.ReadFile(f.Path + partSuffix)
	if err != nil || len(part) == 0 || !bytes.HasPrefix(content, part) {
		t.Fatalf("%d bytes are there, %v", len(part), err)
	}
	if _, err := Get(t.Context(), f, quick()); err != nil {
		t.Fatal(err)
	}
	arrived(t, f)
}
