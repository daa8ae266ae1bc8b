package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// network is a graph under test: its variables by name, and the same
// function in float64.
type network struct {
	t      *testing.T
	g      *gorgonia.ExprGraph
	random *rand.Rand
	names  []string
	values map[string][]float64
	nodes  map[string]*gorgonia.Node
	params map[string]*Param
	maps   map[string]plain
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, g: gorgonia.NewGraph(), random: rand.New(rand.NewPCG(1, 2)), values: map[string][]float64{},
		nodes: map[string]*gorgonia.Node{}, params: map[string]*Param{}, maps: map[string]plain{}}
}

// param adds a parameter with random values.
func (f *network) param(name string, kind Kind, shape ...int) *Param {
	p := NewParam(name, kind, shape...)
	values := f.add(name, p.Count(), kind == Gamma || kind == RunningVar)
	if err := p.SetValues(values); err != nil {
		f.t.Fatal(err)
	}
	f.params[name] = p
	f.nodes[name] = ParamNode(f.g, p)
	return p
}

// input adds an activation with random values.
func (f *network) input(name string, n, c, h, w int) *gorgonia.Node {
	values := f.add(name, n*c*h*w, false)
	f.maps[name] = newPlain(n, c, h, w)
	m := kernel.MapOf(make([]float32, n*c*h*w), n, c, h, w)
	for i, v := range values {
		image, channel, pixel := i/(c*h*w), i/(h*w)%c, i%(h*w)
		m.Plane(image, channel/kernel.Block)[pixel*kernel.Block+channel%kernel.Block] = v
	}
	f.nodes[name] = inputNode(f.g, name, mapShape(n, c, h, w), m.Data)
	return f.nodes[name]
}

func (f *network) add(name string, n int, positive bool) []float32 {
	values := make([]float32, n)
	f.values[name] = make([]float64, n)
	for i := range values {
		values[i] = float32(f.random.NormFloat64())
		if positive {
			values[i] = 0.5 + float32(f.random.Float64())
		}
		f.values[name][i] = float64(values[i])
	}
	f.names = append(f.names, name)
	return values
}

// plain returns an input's values for the reference.
func (f *network) plain(name string) plain {
	p := f.maps[name]
	p.v = f.values[name]
	return p
}

// must fails the test if a node could not be made.
func (f *network) must(n *gorgonia.Node, err error) *gorgonia.Node {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// dot makes the scalar of plain.dot.
func (f *network) dot(x *gorgonia.Node) *gorgonia.Node {
	s := x.Shape()
	weights := kernel.MapOf(make([]float32, s.TotalSize()), s[0], s[1]*kernel.Block, s[2], s[3])
	channels, plane := ChannelsOf(x), x.Shape()[2]*x.Shape()[3]
	for i := range x.Shape()[0] * channels * plane {
		image, channel, pixel := i/(channels*plane), i/plane%channels, i%plane
		weights.Plane(image, channel/kernel.Block)[pixel*kernel.Block+channel%kernel.Block] = float32(weightAt(i))
	}
	o := &op{name: "dot", result: newScalarResult(), wants: []bool{true}}
	o.forward = func(in []gorgonia.Value) error {
		sum := 0.0
		for i, v := range Planar(x) {
			sum += float64(v) * weightAt(i)
		}
		o.result.value = gorgonia.NewF32(float32(sum))
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		d := &op{name: "dot gradient", result: like(x)}
		d.forward = func(in []gorgonia.Value) error {
			kernel.Copy(d.result.asMap(), weights)
			return nil
		}
		n, err := d.apply(grad)
		return gorgonia.Nodes{n}, err
	}
	return f.must(o.apply(x))
}

// check compares the scalar and its derivatives by the named variables with
// the reference's value and central differences in float64. Only float32's
// rounding inside the kernels is between them.
func (f *network) check(loss *gorgonia.Node, reference func() float64, names ...string) {
	f.t.Helper()
	var wrt gorgonia.Nodes
	for _, name := range names {
		wrt = append(wrt, f.nodes[name])
	}
	grads, err := Gradients(gorgonia.Nodes{loss}, []float32{1}, wrt)
	if err != nil {
		f.t.Fatal(err)
	}
	f.run(loss, grads)
	want := reference()
	if got := float64(loss.Value().Data().(float32)); math.Abs(got-want) > 1e-5*math.Max(1, math.Abs(want)) {
		f.t.Errorf("value is %g, want %g", got, want)
	}
	for i, name := range names {
		f.compare(name, f.unpack(name, grads[i].Value()), reference)
	}
}

func (f *network) run(loss *gorgonia.Node, grads gorgonia.Nodes) {
	f.t.Helper()
	plan, err := NewPlan(f.g, append(gorgonia.Nodes{loss}, grads...)...)
	if err != nil {
		f.t.Fatal(err)
	}
	plan.Bind()
	plan.Poison()
	machine := gorgonia.NewTapeMachine(f.g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *network) unpack(name string, v gorgonia.Value) []float32 {
	if p := f.params[name]; p != nil {
		return p.Unpack(sliceOf(v))
	}
	m, p := mapOf(v), f.maps[name]
	values := make([]float32, len(p.v))
	for i := range values {
		image, channel, pixel := i/(p.c*p.h*p.w), i/(p.h*p.w)%p.c, i%(p.h*p.w)
		values[i] = m.Plane(image, channel/kernel.Block)[pixel*kernel.Block+channel%kernel.Block]
	}
	return values
}

// compare checks a sample of a variable's derivatives.
func (f *network) compare(name string, got []float32, reference func() float64) {
	f.t.Helper()
	largest := 1.0
	for _, g := range got {
		largest = math.Max(largest, math.Abs(float64(g)))
	}
	values := f.values[name]
	const h = 1e-6
	for range min(24, len(values)) {
		i := f.random.IntN(len(values))
		at := values[i]
		values[i] = at + h
		up := reference()
		values[i] = at - h
		down := reference()
		values[i] = at
		if want := (up - down) / (2 * h); math.Abs(want-float64(got[i])) > 1e-5*largest {
			f.t.Errorf("derivative by %s[%d] is %g, want %g", name, i, got[i], want)
		}
	}
}

func TestGradientsAgreeWithDifferences(t *testing.T) {
	window := kernel.Window{R: 3, S: 2, StrideH: 2, StrideW: 1, PadH: 1, PadW: 1}
	tests := map[string]func(f *network){
		"convolution": func(f *network) {
			x := f.input("x", 2, 32, 7, 6)
			f.param("w", ConvWeight, 16, 32, 3, 2)
			y := f.must(Conv("conv", x, f.nodes["w"], 16, window))
			f.check(f.dot(y), func() float64 { return f.plain("x").conv(f.values["w"], 16, window).dot() }, "x", "w")
		},
		"image convolution": func(f *network) {
			values := f.add("image", 2*3*9*8, false)
			f.param("w", ImageWeight, 16, 3, 3, 2)
			y := f.must(ImageConv("conv", f.image(2, 9, 8, values), f.nodes["w"], 16, window, FP32))
			f.check(f.dot(y), func() float64 {
				return plain{2, 3, 9, 8, f.values["image"]}.conv(f.values["w"], 16, window).dot()
			}, "w")
		},
		"batch norm": func(f *network) {
			x := f.input("x", 3, 16, 4, 5)
			norm := f.norm("bn", 16, false)
			y := f.must(BatchNormReLU("bn", x, norm))
			f.check(f.dot(y), func() float64 {
				return f.plain("x").batchNormReLU(f.values["bn.gamma"], f.values["bn.beta"], nil, nil, 1e-3).dot()
			}, "x", "bn.gamma", "bn.beta")
		},
		"frozen batch norm": func(f *network) {
			x := f.input("x", 3, 16, 4, 5)
			norm := f.norm("bn", 16, true)
			y := f.must(BatchNormReLU("bn", x, norm))
			f.check(f.dot(y), func() float64 {
				return f.plain("x").batchNormReLU(f.values["bn.gamma"], f.values["bn.beta"], f.values["bn.mean"], f.values["bn.var"], 1e-3).dot()
			}, "x")
		},
		"bias": func(f *network) {
			x := f.input("x", 3, 16, 4, 5)
			bias := f.param("bias", Bias, 16)
			y := f.must(BiasReLU("bias", x, bias))
			zeros, ones := make([]float64, 16), make([]float64, 16)
			for i := range ones {
				ones[i] = 1
			}
			f.check(f.dot(y), func() float64 {
				return f.plain("x").batchNormReLU(ones, f.values["bias"], zeros, ones, 0).dot()
			}, "x", "bias")
		},
		"weights of two layers": func(f *network) {
			x, w := f.input("x", 2, 16, 5, 4), f.param("w", ConvWeight, 16, 16, 3, 3)
			same := kernel.Square(3, 1, 1)
			y := f.must(Conv("second", f.must(Conv("first", x, f.nodes["w"], 16, same)), f.nodes["w"], 16, same))
			f.check(f.dot(y), func() float64 {
				v := f.values["w"]
				return f.plain("x").conv(v, w.Shape[0], same).conv(v, w.Shape[0], same).dot()
			}, "x", "w")
		},
		"max pool": func(f *network) {
			x := f.input("x", 2, 16, 7, 6)
			y := f.must(MaxPool("pool", x, kernel.Pool{Window: kernel.Square(3, 2, 0)}))
			f.check(f.dot(y), func() float64 { return f.plain("x").maxPool(kernel.Square(3, 2, 0)).dot() }, "x")
		},
		"average pool": func(f *network) {
			x := f.input("x", 2, 16, 7, 6)
			y := f.must(AvgPool("pool", x, kernel.Pool{Window: kernel.Square(3, 1, 1)}))
			f.check(f.dot(y), func() float64 { return f.plain("x").avgPool(kernel.Square(3, 1, 1), false).dot() }, "x")
		},
		"average pool that counts padding": func(f *network) {
			x := f.input("x", 2, 16, 7, 6)
			y := f.must(AvgPool("pool", x, kernel.Pool{Window: kernel.Square(3, 1, 1), CountIncludePad: true}))
			f.check(f.dot(y), func() float64 { return f.plain("x").avgPool(kernel.Square(3, 1, 1), true).dot() }, "x")
		},
		"global average pool": func(f *network) {
			x := f.input("x", 2, 16, 7, 6)
			y := f.must(GlobalAvgPool("pool", x))
			f.check(f.dot(y), func() float64 {
				return f.plain("x").avgPool(kernel.Window{R: 7, S: 6, StrideH: 1, StrideW: 1}, true).dot()
			}, "x")
		},
		"concat": func(f *network) {
			a, b := f.input("a", 2, 16, 3, 4), f.input("b", 2, 32, 3, 4)
			y := f.must(Concat("concat", gorgonia.Nodes{a, b}))
			f.check(f.dot(y), func() float64 { return concatPlain(f.plain("a"), f.plain("b")).dot() }, "a", "b")
		},
		"some channels": func(f *network) {
			x := f.input("x", 2, 48, 3, 4)
			w := f.param("w", ConvWeight, 64, 48, 1, 1)
			z := f.must(Conv("conv", x, f.nodes["w"], 64, kernel.Square(1, 1, 0)))
			a, b := f.must(Channels("a", z, 0, 16)), f.must(Channels("b", z, 16, 48))
			y := f.must(Concat("concat", gorgonia.Nodes{b, a}))
			f.check(f.dot(y), func() float64 {
				swapped := append(append([]float64{}, f.values["w"][16*48:]...), f.values["w"][:16*48]...)
				return f.plain("x").conv(swapped, w.Shape[0], kernel.Square(1, 1, 0)).dot()
			}, "x", "w")
		},
		"linear and cross-entropy": func(f *network) {
			x := f.input("x", 3, 32, 1, 1)
			w, b := f.param("w", LinearWeight, 5, 32), f.param("b", Bias, 5)
			logits := f.must(Linear("fc", x, w, b))
			labels := []int{4, 0, 2}
			loss := f.must(CrossEntropy("loss", logits, 5, &kernel.Labels{Class: labels}, kernel.Smoothing{Epsilon: 0.1}))
			f.check(loss, func() float64 {
				return f.plain("x").linear(f.values["w"], f.values["b"], 5).crossEntropy(labels, float64(float32(0.1)))
			}, "x", "w", "b")
		},
		"separable image convolution": func(f *network) {
			values := f.add("image", 2*3*9*8, false)
			d, p := f.param("d", SeparableWeight, 6, 1, 3, 3), f.param("p", SeparableWeight, 10, 6, 1, 1)
			same := kernel.Square(3, 2, 0).Same(9, 8)
			y := f.must(ImageConv("conv", f.image(2, 9, 8, values), f.must(SeparableWeights("conv", f.g, d, p)), 10, same, FP32))
			f.check(f.dot(y), func() float64 {
				var channels []plain // of the depthwise half
				for c := range 3 {
					one := newPlain(2, 1, 9, 8)
					one.each(func(n, _, h, w int) { *one.at(n, 0, h, w) = *plain{2, 3, 9, 8, f.values["image"]}.at(n, c, h, w) })
					channels = append(channels, one.conv(f.values["d"][c*2*9:(c+1)*2*9], 2, same))
				}
				return concatPlain(channels...).conv(f.values["p"], 10, kernel.Square(1, 1, 0)).dot()
			}, "d", "p")
		},
		"TensorFlow's SAME": func(f *network) {
			x := f.input("x", 2, 32, 6, 5)
			f.param("w", ConvWeight, 16, 32, 3, 3)
			same := kernel.Square(3, 2, 0).Same(6, 5)
			y := f.must(Concat("concat", gorgonia.Nodes{f.must(Conv("conv", x, f.nodes["w"], 16, same)), f.must(MaxPool("pool", x, kernel.Pool{Window: same}))}))
			f.check(f.dot(y), func() float64 {
				return concatPlain(f.plain("x").conv(f.values["w"], 16, same), f.plain("x").maxPool(same)).dot()
			}, "x", "w")
		},
		"adaptive average pool, flattened": func(f *network) {
			x := f.input("x", 2, 16, 6, 9)
			w, b := f.param("w", LinearWeight, 5, 16*2*3), f.param("b", Bias, 5)
			y := f.must(Linear("fc", f.must(Flatten("flat", f.must(AdaptiveAvgPool("pool", x, 2, 3)))), w, b))
			f.check(f.dot(y), func() float64 {
				// 6x9 to 2x3 has windows of 3x3 side by side; a linear layer over
				// the flat map is a convolution as large as the map.
				pooled := f.plain("x").avgPool(kernel.Square(3, 3, 0), true)
				logits := pooled.conv(f.values["w"], 5, kernel.Window{R: 2, S: 3, StrideH: 1, StrideW: 1})
				logits.each(func(n, c, _, _ int) { *logits.at(n, c, 0, 0) += f.values["b"][c] })
				return logits.dot()
			}, "x", "w", "b")
		},
		"four branches joined": fourBranches,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(newNetwork(t)) })
	}
}

// norm adds a batch norm's parameters.
func (f *network) norm(name string, c int, frozen bool) Norm {
	return Norm{Gamma: f.param(name+".gamma", Gamma, c), Beta: f.param(name+".beta", Beta, c),
		Mean: f.param(name+".mean", RunningMean, c), Var: f.param(name+".var", RunningVar, c),
		Eps: 1e-3, Frozen: frozen}
}

// image is the input of a batch that lies in values.
func (f *network) image(n, h, w int, values []float32) *gorgonia.Node {
	node := Image(f.g, n, h, w)
	if err := Feed(node, values); err != nil {
		f.t.Fatal(err)
	}
	return node
}

// fourBranches is a whole small network: a stem conv, a module of four
// branches with sibling heads, a grid reduction and a classifier.
func fourBranches(f *network) {
	labels := []int{1, 3, 0}
	images := f.add("image", 3*3*10*10, false)
	f.param("stem", ImageWeight, 16, 3, 3, 3)
	for i, shape := range [][]int{{16, 16, 1, 1}, {32, 16, 1, 1}, {16, 32, 3, 3}, {16, 16, 1, 1}, {16, 64, 3, 3}} {
		f.param(fmt.Sprint("w", i), ConvWeight, shape...)
	}
	norms := map[string]Norm{}
	for i, c := range []int{16, 16, 32, 16, 16} {
		name := fmt.Sprint("n", i)
		norms[name] = f.norm(name, c, false)
	}
	fcw, fcb := f.param("fc", LinearWeight, 4, 80), f.param("fcb", Bias, 4)

	AllocGroup([]*Param{f.params["w0"], f.params["w1"]})
	for _, name := range []string{"w0", "w1"} {
		values := make([]float32, len(f.values[name]))
		for i, v := range f.values[name] {
			values[i] = float32(v)
		}
		f.params[name].Pack(f.params[name].Data, values)
	}
	heads, err := ParamsNode(f.g, []*Param{f.params["w0"], f.params["w1"]})
	f.must(heads, err)

	x := f.must(BatchNormReLU("n0", f.must(ImageConv("stem", f.image(3, 10, 10, images), f.nodes["stem"], 16, kernel.Square(3, 1, 0), FP32)), norms["n0"]))
	z := f.must(Conv("heads", x, heads, 48, kernel.Square(1, 1, 0)))
	one := f.must(BatchNormReLU("n1", f.must(Channels("one", z, 0, 16)), norms["n1"]))
	two := f.must(BatchNormReLU("n2", f.must(Channels("two", z, 16, 32)), norms["n2"]))
	two = f.must(BatchNormReLU("n3", f.must(Conv("w2", two, f.nodes["w2"], 16, kernel.Square(3, 1, 1))), norms["n3"]))
	pooled := f.must(BatchNormReLU("n4", f.must(Conv("w3", f.must(AvgPool("pool", x, kernel.Pool{Window: kernel.Square(3, 1, 1)})), f.nodes["w3"], 16, kernel.Square(1, 1, 0))), norms["n4"]))
	module := f.must(Concat("module", gorgonia.Nodes{one, two, pooled, x}))
	reduced := f.must(Concat("reduction", gorgonia.Nodes{
		f.must(Conv("w4", module, f.nodes["w4"], 16, kernel.Square(3, 2, 0))),
		f.must(MaxPool("maxpool", module, kernel.Pool{Window: kernel.Square(3, 2, 0)}))}))
	logits := f.must(Linear("fc", f.must(GlobalAvgPool("global", reduced)), fcw, fcb))
	loss := f.must(CrossEntropy("loss", logits, 4, &kernel.Labels{Class: labels}, kernel.Smoothing{Epsilon: 0.1}))

	bn := func(x plain, name string) plain {
		return x.batchNormReLU(f.values[name+".gamma"], f.values[name+".beta"], nil, nil, 1e-3)
	}
	reference := func() float64 {
		x := bn(plain{3, 3, 10, 10, f.values["image"]}.conv(f.values["stem"], 16, kernel.Square(3, 1, 0)), "n0")
		one := bn(x.conv(f.values["w0"], 16, kernel.Square(1, 1, 0)), "n1")
		two := bn(bn(x.conv(f.values["w1"], 32, kernel.Square(1, 1, 0)), "n2").conv(f.values["w2"], 16, kernel.Square(3, 1, 1)), "n3")
		pooled := bn(x.avgPool(kernel.Square(3, 1, 1), false).conv(f.values["w3"], 16, kernel.Square(1, 1, 0)), "n4")
		module := concatPlain(one, two, pooled, x)
		reduced := concatPlain(module.conv(f.values["w4"], 16, kernel.Square(3, 2, 0)), module.maxPool(kernel.Square(3, 2, 0)))
		global := reduced.avgPool(kernel.Window{R: reduced.h, S: reduced.w, StrideH: 1, StrideW: 1}, true)
		return global.linear(f.values["fc"], f.values["fcb"], 4).crossEntropy(labels, float64(float32(0.1)))
	}
	f.nodes["heads"] = heads
	f.check(loss, reference, "stem", "w2", "w3", "w4", "n0.gamma", "n1.beta", "n2.gamma", "n3.beta", "n4.gamma", "fc", "fcb")
}
