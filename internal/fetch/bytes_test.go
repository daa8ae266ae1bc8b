package fetch

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestBytesHaveAnEnd(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ten", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte{7}, 10)) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ten", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte{1})
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	for path, want := range map[string]string{
		"/ten": "", "/moved": "", "/round": "too often", "/file": "to no http address", "/nothing": "404", "/slow": "no data received",
		"/endless": "has more than 1000 bytes",
	} {
		data, err := Bytes(context.Background(), server.URL+path, 1000, Options{Stall: 200 * time.Millisecond})
		switch {
		case want == "" && (err != nil || len(data) != 10):
			t.Errorf("%s: %d bytes, %v", path, len(data), err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error is %v, want %q", path, err, want)
		}
	}
	server.Close()
	if _, err := Bytes(context.Background(), server.URL, 1000, Options{}); err == nil ||
		!strings.HasPrefix(err.Error(), "the server cannot be reached: ") || strings.Contains(err.Error(), server.URL) {
		t.Errorf("of no server: error is %v", err)
	}
	for word, want := range map[string]bool{
		"http://x/y.jpg": true, "HTTPS://x": true, "file:///x": false, "http://": false, "shapes:": false, "a.jpg": false,
	} {
		if IsURL(word) != want {
			t.Errorf("IsURL(%q) is %t", word, !want)
		}
	}
}
