package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Flatten makes one pixel with a channel for every value of an image, in
// channel, row, column order. Its result is float32 always.
func Flatten(name string, x *gorgonia.Node, layers ...Layer) (*gorgonia.Node, error) {
	s, channels := x.Shape(), ChannelsOf(x)
	flat := widening{
		func(y, x kernel.Map) { kernel.Flatten(y, x, channels) },
		func(y kernel.Map, x kernel.MapBF16) { kernel.FlattenBF16(y, x, channels) },
		func(dx, dy kernel.Map) { kernel.FlattenBackward(dx, dy, channels) },
		func(dx kernel.MapBF16, dy kernel.Map) { kernel.FlattenBackwardBF16(dx, dy, channels) },
	}
	return flat.apply(name+": flatten", x, newMapResult(s[0], channels*s[2]*s[3], 1, 1), layers)
}
