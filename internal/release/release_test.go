package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestArchivesHoldTheFilesAndAreTheSameTwice(t *testing.T) {
	files := []file{{"inception", []byte("program"), true}, {"man/inception.1", []byte("page"), false}}
	when := time.Unix(1_700_000_000, 0).UTC()
	var first, second, packed bytes.Buffer
	for _, w := range []io.Writer{&first, &second} {
		if err := writeTar(w, "inception-v1", files, when); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two archives of the same files differ")
	}
	plain, err := gzip.NewReader(&first)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(plain)
	for _, want := range files {
		head, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil || string(data) != string(want.data) || head.Name != "inception-v1/"+want.name ||
			head.Mode != want.mode() || !head.ModTime.Equal(when) || head.Uid != 0 {
			t.Errorf("holds %+v with %q, %v", head, data, err)
		}
	}
	if err := writeZip(&packed, "inception-v1", files, when); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil || len(z.File) != 2 || z.File[1].Name != "inception-v1/man/inception.1" {
		t.Errorf("the zip holds %v, %v", z, err)
	}
}

// TestTheSBOMListsWhatAProgramIsBuiltFrom reads this test's own binary.
func TestTheSBOMListsWhatAProgramIsBuiltFrom(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := sbomOf(self, "v1.2.3", time.Unix(0, 0).UTC())
	if err != nil {
		t.Fatal(err)
	}
	var b sbom
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	main := b.Metadata.Component
	if b.Format != "CycloneDX" || main.Version != "v1.2.3" || len(main.Hashes) != 1 || len(main.Hashes[0].Content) != 64 {
		t.Errorf("is %s", text)
	}
	if len(b.Components) < 1 || b.Components[0].Name != "stdlib" || len(b.Dependencies[0].On) != len(b.Components) {
		t.Errorf("components are %+v", b.Components)
	}
}

func TestAModuleWithoutALicenceIsNotGivenAway(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	if err := addLicence(&b, "x", dir); err == nil || !strings.Contains(err.Error(), "holds no licence") {
		t.Errorf("error is %v", err)
	}
	if err := os.WriteFile(dir+"/License.md", []byte("MIT"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := addLicence(&b, "x", dir); err != nil || !strings.Contains(b.String(), "==== x: License.md\n\nMIT") {
		t.Errorf("%q, %v", b.String(), err)
	}
}
