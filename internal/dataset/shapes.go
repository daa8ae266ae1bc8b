package dataset

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/picture"
)

// shapes is a set of pictures that are drawn when they are asked for: one
// shape in a random place, size, turn and colour on a random background.
type shapes struct {
	part    string
	seed    uint64
	n, size int
}

// openShapes opens the set shapes:?train=2000&val=500&size=64&seed=1, where
// those values are the default ones.
func openShapes(arg string) (*Source, error) {
	values := map[string]int{"train": 2000, "val": 500, "size": 64, "seed": 1}
	query, err := url.ParseQuery(strings.TrimPrefix(arg, "?"))
	if err != nil {
		return nil, fmt.Errorf("shapes: options are written ?train=2000&val=500&size=64&seed=1: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(query)) {
		if _, ok := values[key]; !ok {
			return nil, fmt.Errorf("shapes: there is no option %q; there are train, val, size and seed", key)
		}
		all := query[key]
		last := all[len(all)-1]
		v, err := strconv.Atoi(last)
		if err != nil || v < 0 || v > 1<<24 {
			return nil, fmt.Errorf("shapes: %s must be a whole number from 0 to %d, is %q", key, 1<<24, last)
		}
		values[key] = v
	}
	if values["size"] < 8 || values["size"] > 1024 {
		return nil, fmt.Errorf("shapes: size must be from 8 to 1024, is %d", values["size"])
	}
	if values["train"] < 1 {
		return nil, fmt.Errorf("shapes: train must be at least 1")
	}
	seed := 2 * uint64(values["seed"])
	src := &Source{Train: shapes{"train", seed, values["train"], values["size"]}}
	if values["val"] > 0 {
		src.Val = shapes{"val", seed + 1, values["val"], values["size"]}
	}
	return src, nil
}

func (s shapes) Len() int          { return s.n }
func (s shapes) Label(i int) int   { return i % len(outlines) }
func (s shapes) Name(i int) string { return fmt.Sprintf("shapes %s %d", s.part, i) }

func (s shapes) Classes() []string {
	classes := make([]string, len(outlines))
	for i, o := range outlines {
		classes[i] = o.class
	}
	return classes
}

// Image draws picture i.
func (s shapes) Image(i int) (picture.Image, error) {
	rng := rand.New(rand.NewPCG(s.seed, uint64(i)))
	size := float64(s.size)
	radius := size * (0.20 + 0.14*rng.Float64())
	reach := size/2 - radius*1.05
	d := drawing{
		cx: size/2 + reach*(2*rng.Float64()-1), cy: size/2 + reach*(2*rng.Float64()-1), radius: radius,
		inside: outlines[s.Label(i)].depth,
	}
	d.sin, d.cos = math.Sincos(2 * math.Pi * rng.Float64())
	d.ink, d.paper, d.paper2 = colors(rng)
	slope := 2 * math.Pi * rng.Float64()
	d.slopeY, d.slopeX = math.Sincos(slope)
	noise := 4 + 12*rng.Float64()

	im := picture.New(s.size, s.size)
	for y := range s.size {
		for x := range s.size {
			color := d.at(float64(x)+0.5, float64(y)+0.5, size)
			for c := range color {
				v := color[c] + noise*(2*rng.Float64()-1)
				im.Pix[3*(y*s.size+x)+c] = uint8(max(0, min(255, v)))
			}
		}
	}
	return im, nil
}

// colors returns a shape's color and the two that its background runs
// between, at a distance that can be seen.
func colors(rng *rand.Rand) (ink, paper, paper2 [3]float64) {
	pick := func() (c [3]float64) {
		for i := range c {
			c[i] = 255 * rng.Float64()
		}
		return c
	}
	paper = pick()
	for i := range paper2 {
		paper2[i] = max(0, min(255, paper[i]+50*(2*rng.Float64()-1)))
	}
	for {
		if ink = pick(); contrast(ink, paper) > 100 && contrast(ink, paper2) > 100 {
			return ink, paper, paper2
		}
	}
}

func contrast(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// drawing is a shape that is turned, scaled and moved.
type drawing struct {
	cx, cy, radius     float64
	sin, cos           float64
	inside             func(x, y float64) float64
	ink, paper, paper2 [3]float64
	slopeX, slopeY     float64
}

// at returns the color of the pixel around (x, y).
func (d *drawing) at(x, y, size float64) (color [3]float64) {
	u, v := (x-d.cx)/d.radius, (y-d.cy)/d.radius
	depth := d.inside(d.cos*u+d.sin*v, d.cos*v-d.sin*u) * d.radius // pixels to the edge
	cover := max(0, min(1, depth+0.5))
	along := max(0, min(1, 0.5+((x-size/2)*d.slopeX+(y-size/2)*d.slopeY)/size))
	for c := range color {
		back := d.paper[c] + along*(d.paper2[c]-d.paper[c])
		color[c] = back + cover*(d.ink[c]-back)
	}
	return color
}

// outlines are the classes and, for a point, about how deep inside the shape it
// is; negative outside. The shapes fill a circle of radius 1.
var outlines = []struct {
	class string
	depth func(x, y float64) float64
}{
	{"bar", func(x, y float64) float64 { return min(0.95-math.Abs(x), 0.25-math.Abs(y)) }},
	{"circle", func(x, y float64) float64 { return 0.9 - math.Hypot(x, y) }},
	{"crescent", func(x, y float64) float64 { return min(0.95-math.Hypot(x, y), math.Hypot(x-0.45, y)-0.75) }},
	{"cross", func(x, y float64) float64 {
		x, y = math.Abs(x), math.Abs(y)
		return max(min(0.9-x, 0.25-y), min(0.9-y, 0.25-x))
	}},
	{"frame", func(x, y float64) float64 { return 0.16 - math.Abs(max(math.Abs(x), math.Abs(y))-0.62) }},
	{"half-disc", func(x, y float64) float64 { return min(0.95-math.Hypot(x+0.35, y), x+0.35) }},
	{"ring", func(x, y float64) float64 { return 0.2 - math.Abs(math.Hypot(x, y)-0.75) }},
	{"square", func(x, y float64) float64 { return 0.72 - max(math.Abs(x), math.Abs(y)) }},
	{"star", star},
	{"triangle", func(x, y float64) float64 { return polygon(x, y, 3, 0.48) }},
}

// star has five tips at radius 1 and five notches at 0.42: in the slice between
// a tip and a notch the edge is a straight line.
func star(x, y float64) float64 {
	const slice = math.Pi / 5
	r, angle := math.Hypot(x, y), math.Abs(math.Mod(math.Atan2(y, x)+2*math.Pi+slice, 2*slice)-slice)
	px, py := r*math.Cos(angle), r*math.Sin(angle)
	nx, ny := 0.42*math.Sin(slice), 1-0.42*math.Cos(slice)
	return (nx*(1-px) - ny*py) / math.Hypot(nx, ny)
}

// polygon is a regular polygon whose sides are at the given distance from the
// centre.
func polygon(x, y float64, sides int, distance float64) float64 {
	slice := 2 * math.Pi / float64(sides)
	angle := math.Mod(math.Atan2(y, x)+2*math.Pi+slice/2, slice) - slice/2
	return distance - math.Hypot(x, y)*math.Cos(angle)
}
