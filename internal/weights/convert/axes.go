package convert

// hwio returns a tensor of TensorFlow's [R][S][C][K] as [K][C][R][S].
func hwio(s source) source {
	if len(s.shape) != 4 {
		return s // for the comparison of shapes to say
	}
	r, t, c, k := s.shape[0], s.shape[1], s.shape[2], s.shape[3]
	return source{name: s.name, shape: []int{k, c, r, t}, read: func() ([]float32, error) {
		from, err := s.read()
		if err != nil {
			return nil, err
		}
		return exchange(from, r*t, c, k), nil
	}}
}

// depthwise returns TensorFlow's [R][S][C][M] weights of a depthwise
// convolution as [C*M][1][R][S].
func depthwise(s source) source {
	if len(s.shape) != 4 {
		return s
	}
	r, t, c, m := s.shape[0], s.shape[1], s.shape[2], s.shape[3]
	return source{name: s.name, shape: []int{c * m, 1, r, t}, read: func() ([]float32, error) {
		from, err := s.read()
		if err != nil {
			return nil, err
		}
		return exchange(from, r*t, 1, c*m), nil
	}}
}

// exchange turns [a][b][c] into [c][b][a].
func exchange(from []float32, a, b, c int) []float32 {
	to := make([]float32, len(from))
	for i := range a {
		for j := range b {
			for k := range c {
				to[(k*b+j)*a+i] = from[(i*b+j)*c+k]
			}
		}
	}
	return to
}

// swapped returns a matrix [in][out] as [out][in].
func swapped(s source) source {
	if len(s.shape) != 2 {
		return s
	}
	in, out := s.shape[0], s.shape[1]
	return source{name: s.name, shape: []int{out, in}, read: func() ([]float32, error) {
		from, err := s.read()
		if err != nil {
			return nil, err
		}
		return exchange(from, in, 1, out), nil
	}}
}

// flat returns a 1x1 convolution's weights as a matrix.
func flat(s source) source {
	if len(s.shape) == 4 && s.shape[2] == 1 && s.shape[3] == 1 {
		s.shape = s.shape[:2]
	}
	return s
}
