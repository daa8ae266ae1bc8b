package dataset

import (
	"bytes"
	"context"
	"image"
	"slices"
	"testing"
	"time"
)

func TestZZStress(t *testing.T) {
	o := loaderOptions(false)
	o.Workers = 4
	l := NewLoader(squares{n: 4000}, o)
	handed, wrong := 0, 0
	begin := time.Now()
	rounds := 0
	for time.Since(begin) < 8*time.Second {
		rounds++
		ctx, cancel := context.WithCancel(context.Background())
		b := l.Epoch(ctx, 0, 0)
		go func() { time.Sleep(time.Duration(rounds%200) * time.Microsecond); cancel() }()
		for {
			batch, err := b.Next()
			if err != nil {
				break
			}
			handed++
			for row, i := range batch.Indices {
				im, _ := squares{}.Image(i)
				want := make([]float32, 48)
				o.Preprocess.Size = 4
				o.Preprocess.Apply(want, im)
				if !slices.Equal(want, batch.Images[row*48:(row+1)*48]) {
					wrong++
					break
				}
			}
		}
		b.Close()
		cancel()
	}
	t.Logf("%d rounds, %d batches, %d wrong", rounds, handed, wrong)
	empty := "GIF89a\x01\x00\x01\x00\x80\x00\x00" + "\x00\x00\x00\xff\xff\xff" + "\x2c\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\x02\x02\x4c\x01\x00\x3b"
	for _, size := range []string{"\x00\x00\x00\x00", "\x01\x00\x00\x00", "\x00\x00\x01\x00", "\x01\x00\x01\x00"} {
		data := []byte(empty)
		copy(data[24:], size)
		im, _, err := image.Decode(bytes.NewReader(data))
		t.Log(im != nil, err)
		for _, tail := range []string{"\x02\x01\x2c\x00\x3b", "\x02\x00\x3b", "\x02\x02\x2c\x00\x00\x3b"} {
			_, _, err := image.Decode(bytes.NewReader(append(data[:29:29], tail...)))
			t.Logf("   %q %v", tail, err)
		}
	}
}
