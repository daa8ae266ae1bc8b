package golden

import (
	"fmt"
	"path/filepath"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// madeUp returns two drawn pictures, the same ones for each size of input: one that
// is shrunk and cropped, and a smaller and upright one that is enlarged. Networks that
// take pictures as they are get two of their size, or none if that is too large.
//
// They are drawn and not the user's, because a weight file travels further than the
// images that it has learned from may.
func madeUp(p picture.Preprocess) weights.Golden {
	const most = 320
	unit := min(p.Size, most)
	sizes := [][2]int{{8 * unit / 5, 5 * unit / 4}, {max(1, unit/2), max(1, 4*unit/5)}}
	if p.Geometry == picture.AsIs {
		sizes = [][2]int{{p.Size, p.Size}, {p.Size, p.Size}}
	}
	var all weights.Golden
	pixels := 0
	for i, size := range sizes {
		if pixels += size[0] * size[1]; pixels > weights.MostGoldenPixels {
			break
		}
		all = append(all, weights.GoldenPicture{
			Name: fmt.Sprintf("made-up %d", i+1), Picture: draw(size[0], size[1], uint64(i)),
		})
	}
	return all
}

// Files reads pictures to be golden ones. What is larger than a file can hold is
// reduced, unless the network takes pictures as they are.
func Files(paths []string, p picture.Preprocess, d *picture.Decoder) (weights.Golden, error) {
	if len(paths) > weights.MostGolden {
		return nil, fmt.Errorf("%d golden pictures, a file can have %d", len(paths), weights.MostGolden)
	}
	const most = 512 // pixels a side; MostGolden of them are MostGoldenPixels
	var all weights.Golden
	for _, path := range paths {
		im, err := dataset.ReadPicture(path, d)
		if err == nil {
			err = p.Takes(im)
		}
		if err != nil {
			return nil, fmt.Errorf("golden picture %s: %w", path, err)
		}
		if p.Geometry != picture.AsIs && max(im.W, im.H) > most {
			im = im.Part(picture.Box{W: float64(im.W), H: float64(im.H)}, most)
		}
		all = append(all, weights.GoldenPicture{Name: filepath.Base(path), Picture: im})
	}
	return all, nil
}

// draw tiles a picture with plain and finely striped squares of many colours, in whole
// numbers, so that it is the same on every machine, and packs well.
func draw(w, h int, seed uint64) picture.Image {
	im := picture.New(w, h)
	side := max(2, min(w, h)/10)
	for y := range h {
		for x := range w {
			tile := mix(seed<<40 | uint64(y/side)<<20 | uint64(x/side))
			color := tile >> 8
			if period := int(tile>>4%3) + 1; period < 3 && (x*int(tile&1)+y*int(tile>>1&1))/period%2 == 1 {
				color = tile >> 32
			}
			at := im.Pix[3*(y*w+x):]
			at[0], at[1], at[2] = uint8(color), uint8(color>>8), uint8(color>>16)
		}
	}
	return im
}

// mix is SplitMix64's: bits that have nothing to do with each other.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
