package weights

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/picture"
)

// Golden are pictures with what the network made of them when the file was written,
// whole pictures, so that all of the way from pixels to logits can be tried again.
type Golden []GoldenPicture

// GoldenPicture is one of them.
type GoldenPicture struct {
	Name    string
	Picture picture.Image
	Values  []float32 // the logits; of weights without a classifier the pooled features
}

// Answered reports whether there are pictures, each with what the network made of it.
func (g Golden) Answered() bool {
	return len(g) > 0 && !slices.ContainsFunc(g, func(p GoldenPicture) bool { return p.Values == nil })
}

// What a file can hold of them.
const (
	MostGolden       = 16      // pictures
	MostGoldenPixels = 1 << 22 // of all of them together
)

// goldenText is a golden picture as files have it. Bytes are in base64; Python reads
// them with base64, zlib and numpy.frombuffer.
type goldenText struct {
	Name   string `json:"name"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Pixels []byte `json:"pixels"` // zlib of red, green, blue, row by row
	Values []byte `json:"values"` // little-endian float32
}

// MarshalJSON implements json.Marshaler.
func (g Golden) MarshalJSON() ([]byte, error) {
	texts := make([]goldenText, len(g))
	for i, p := range g {
		texts[i] = goldenText{p.Name, p.Picture.W, p.Picture.H, deflate(p.Picture.Pix), nil}
		for _, v := range p.Values {
			texts[i].Values = binary.LittleEndian.AppendUint32(texts[i].Values, math.Float32bits(v))
		}
	}
	return json.Marshal(texts)
}

// UnmarshalJSON implements json.Unmarshaler. Nothing is unpacked to more than
// MostGoldenPixels.
func (g *Golden) UnmarshalJSON(text []byte) error {
	var texts []goldenText
	if err := json.Unmarshal(text, &texts); err != nil {
		return err
	}
	if len(texts) > MostGolden {
		return fmt.Errorf("%d pictures, a file may have %d", len(texts), MostGolden)
	}
	left := MostGoldenPixels
	*g = nil
	for _, t := range texts {
		p, err := t.unpack(left)
		if err != nil {
			return fmt.Errorf("picture %q: %w", t.Name, err)
		}
		left -= t.Width * t.Height
		*g = append(*g, p)
	}
	return nil
}

// unpack checks a picture, which may have so many pixels.
func (t goldenText) unpack(most int) (p GoldenPicture, err error) {
	switch {
	case t.Width < 1 || t.Height < 1 || t.Width > most || t.Height > most/t.Width:
		return p, fmt.Errorf("is %dx%d; all pictures together may have %d pixels", t.Width, t.Height, MostGoldenPixels)
	case len(t.Values) == 0 || len(t.Values)%4 != 0:
		return p, fmt.Errorf("has %d bytes of float32 values", len(t.Values))
	}
	p = GoldenPicture{Name: t.Name, Picture: picture.New(t.Width, t.Height), Values: make([]float32, len(t.Values)/4)}
	for i := range p.Values {
		p.Values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Values[4*i:]))
	}
	if slices.ContainsFunc(p.Values, func(v float32) bool { return v-v != 0 }) {
		return p, fmt.Errorf("has values that are NaN or infinite")
	}
	return p, inflate(p.Picture.Pix, t.Pixels)
}

func deflate(data []byte) []byte {
	var b bytes.Buffer
	w, _ := zlib.NewWriterLevel(&b, zlib.BestCompression) // the level exists
	_, _ = w.Write(data)                                  // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

// inflate fills all of data, and is an error if there is less or more.
func inflate(data, packed []byte) error {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("its pixels: %w", err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, data); err != nil {
		return fmt.Errorf("its pixels: %w", err)
	}
	switch _, err := io.ReadFull(r, make([]byte, 1)); {
	case err == nil:
		return errors.New("its pixels do not end after width x height x 3 bytes")
	case !errors.Is(err, io.EOF): // of the checksum
		return fmt.Errorf("its pixels: %w", err)
	}
	return nil
}
