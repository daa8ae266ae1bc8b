package kernel

// Separable is a depthwise convolution of images, with Multiplier output channels
// per image channel, followed by a 1x1 convolution to K channels. With nothing
// between them they are one ImageConv, whose weights are products:
//
//	w[k][c][r][s] = sum over m of pointwise[k][c*Multiplier+m] * depthwise[c*Multiplier+m][r][s]
//
// It costs as much as the two, because the few channels of their maps would not
// fill a block, and needs no memory for the map between them.
type Separable struct{ K, Multiplier, R, S int }

// Compose overwrites weights, packed for ImageConv, with those of the single
// convolution.
func (s Separable) Compose(weights, depthwise, pointwise []float32) {
	oihw := borrowFloats(s.K * imageChannels * s.R * s.S)
	defer returnFloats(oihw)
	clear(oihw)
	s.each(func(window, middle, product int) {
		for i, v := range s.window(depthwise, window) {
			oihw[product+i] += v * pointwise[middle]
		}
	})
	PackImageWeights(weights, oihw, s.K, s.R, s.S)
}

// Backward overwrites ddepthwise and dpointwise with the gradients of the two
// halves, given that of the weights.
func (s Separable) Backward(ddepthwise, dpointwise, dweights, depthwise, pointwise []float32) {
	oihw := borrowFloats(s.K * imageChannels * s.R * s.S)
	defer returnFloats(oihw)
	UnpackImageWeights(oihw, dweights, s.K, s.R, s.S)
	clear(ddepthwise)
	s.each(func(window, middle, product int) {
		sum, d := float32(0), s.window(ddepthwise, window)
		for i, v := range s.window(depthwise, window) {
			g := oihw[product+i]
			sum += g * v
			d[i] += g * pointwise[middle]
		}
		dpointwise[middle] = sum
	})
}

// each calls visit for every weight of the pointwise half, middle, with its
// depthwise window and the position of the products of the two.
func (s Separable) each(visit func(window, middle, product int)) {
	between := imageChannels * s.Multiplier
	for k := range s.K {
		for window := range between {
			visit(window, k*between+window, (k*imageChannels+window/s.Multiplier)*s.R*s.S)
		}
	}
}

func (s Separable) window(depthwise []float32, i int) []float32 {
	return depthwise[i*s.R*s.S:][:s.R*s.S]
}
