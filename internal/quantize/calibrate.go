package quantize

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/parallel"
)

// calibration is what a network's activations were on the calibration images.
type calibration struct {
	options Options
	net     *model.Network
	layers  []ops.Layer
	kept    []string

	groups map[string]string  // the layer whose scale each layer has
	seen   map[string]*values // by group
	copies map[string]bool    // layers whose values are those of others with the same scale
	images int
	rows   int       // of the batch that runs
	logits []float64 // of the images for the choice
}

// calibrate runs the float32 network on all images.
func calibrate(w *model.Weights, images Images, o Options) (*calibration, error) {
	net, err := model.Build(w.Spec.At(o.Size), w, o.Batch, model.Eval, model.Options{})
	if err != nil {
		return nil, err
	}
	c := &calibration{options: o, net: net, layers: net.Layers(), seen: map[string]*values{}}
	if err := c.sort(); err != nil {
		return nil, errors.Join(err, net.Close())
	}
	net.Observe(c.see)
	if err := images(c.batch); err != nil {
		return nil, errors.Join(err, net.Close())
	}
	if c.images == 0 {
		return nil, errors.Join(errors.New("quantise: there are no images to calibrate on"), net.Close())
	}
	net.Observe(nil)
	return c, nil
}

// sort decides which layers stay float32 and which share a scale.
func (c *calibration) sort() error {
	c.groups, c.copies = map[string]string{}, map[string]bool{}
	matched := map[string]bool{}
	for i := range c.layers {
		l := &c.layers[i]
		for _, name := range c.options.Keep {
			matched[name] = matched[name] || Options{Keep: []string{name}}.keeps(l.Name)
		}
		if l.Op == ops.OpConv && (c.options.keeps(l.Name) || !model.CanInt8(l)) {
			c.kept = append(c.kept, l.Name)
		}
		if model.HasInt8Scale(l) {
			c.groups[l.Name] = l.Name
		}
	}
	for _, name := range c.options.Keep {
		if !matched[name] {
			return fmt.Errorf("--keep: no layer's name begins with %q; inception summary lists them", name)
		}
	}
	joined := map[int]bool{}
	for _, l := range c.layers {
		if l.Op == ops.OpConcat {
			for _, from := range l.Inputs {
				joined[from] = true
			}
		}
	}
	for i, l := range c.layers {
		switch {
		case l.Op == ops.OpConcat:
			c.copies[l.Name] = true
			for _, from := range l.Inputs {
				c.join(l.Name, c.layers[from].Name)
			}
		case l.Op == ops.OpMaxPool && !joined[i]:
			c.copies[l.Name] = true
			c.join(l.Name, c.layers[l.Inputs[0]].Name)
		}
	}
	for _, group := range c.groups {
		c.seen[group] = &values{}
	}
	return nil
}

// join gives two layers and those that share their scales one scale.
func (c *calibration) join(a, b string) {
	from, to := c.groups[a], c.groups[b]
	for layer, group := range c.groups {
		if group == from {
			c.groups[layer] = to
		}
	}
}

// batch runs images.
func (c *calibration) batch(images []float32, rows int) error {
	c.rows = rows
	if err := c.net.Forward(images); err != nil {
		return err
	}
	if err := model.CheckFinite(c.net.Logits()); err != nil {
		return fmt.Errorf("quantise: %w", err)
	}
	if c.images < imagesForChoice {
		for _, v := range c.net.Logits()[:rows*c.net.Spec.Classes] {
			c.logits = append(c.logits, float64(v))
		}
	}
	c.images += rows
	return nil
}

// see takes in the result of a layer.
func (c *calibration) see(layer string, m kernel.Map) {
	group, scaled := c.groups[layer]
	if !scaled || c.copies[layer] {
		return
	}
	parts := make([]values, parallel.Threads())
	parallel.ForWorker(c.rows*m.Blocks(), func(worker, i int) { parts[worker].add(m.Plane(i/m.Blocks(), i%m.Blocks())) })
	for i := range parts {
		c.seen[group].merge(&parts[i])
	}
}

// compare returns the signal to noise of quantised weights' logits.
func (c *calibration) compare(q *model.Weights, images Images) (float64, error) {
	net, err := model.Build(q.Spec, q, c.options.Batch, model.Eval, model.Options{Precision: model.INT8})
	if err != nil {
		return 0, err
	}
	defer net.Close()
	var noise ratio
	at := 0
	err = images(func(batch []float32, rows int) error {
		if err := net.Forward(batch); err != nil {
			return err
		}
		for _, v := range net.Logits()[:rows*q.Spec.Classes] {
			noise.add(c.logits[at], float64(v))
			at++
		}
		if at == len(c.logits) {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, err
	}
	return noise.decibels(), nil
}

// errEnough ends a walk over images early.
var errEnough = errors.New("enough images")

// layerErrors runs both networks side by side.
func (c *calibration) layerErrors(w, q *model.Weights, images Images) ([]LayerReport, error) {
	var names []string
	var reports []LayerReport
	for i := range c.layers {
		if l := &c.layers[i]; model.HasInt8Scale(l) {
			names = append(names, l.Name)
			reports = append(reports, LayerReport{Name: l.Name, Op: string(l.Op), Range: 255 * float64(q.Int8.Scales[l.Name]),
				Seen: c.seen[c.groups[l.Name]].largest})
		}
	}
	float, err := model.Build(c.net.Spec, w, c.options.Batch, model.Eval, model.Options{Keep: names})
	if err != nil {
		return nil, err
	}
	defer float.Close()
	bytes, err := model.Build(q.Spec, q, c.options.Batch, model.Eval, model.Options{Keep: names, Precision: model.INT8})
	if err != nil {
		return nil, err
	}
	defer bytes.Close()
	noise := make([]ratio, len(names))
	done := 0
	err = images(func(batch []float32, rows int) error {
		if err := errors.Join(float.Forward(batch), bytes.Forward(batch)); err != nil {
			return err
		}
		for i, name := range names {
			if err := noise[i].addPoint(float, bytes, name, rows); err != nil {
				return err
			}
		}
		if done += rows; done >= imagesForLayers {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	for i := range reports {
		reports[i].SNR = noise[i].decibels()
	}
	return reports, nil
}

// ratio is that of signal to noise.
type ratio struct{ signal, noise float64 }

func (r *ratio) add(want, got float64) {
	r.signal += want * want
	r.noise += (got - want) * (got - want)
}

func (r *ratio) addPoint(float, bytes *model.Network, name string, rows int) error {
	want, _, err := float.Point(name)
	if err != nil {
		return err
	}
	got, _, err := bytes.Point(name)
	if err != nil {
		return err
	}
	for i, v := range want[:len(want)/float.Batch*rows] {
		r.add(float64(v), float64(got[i]))
	}
	return nil
}

// decibels is at most 200: of no noise at all.
func (r *ratio) decibels() float64 {
	const most = 200
	if r.noise == 0 {
		return most
	}
	if r.signal == 0 {
		return 0
	}
	return min(most, 10*math.Log10(r.signal/r.noise))
}

// bins is how finely values are told apart: some eight to a byte's step.
const bins = 2048

// values is a histogram of positive values. The width of its bins, a power of two, is
// the least normal one for the largest value, whatever the order in which they come.
type values struct {
	largest float64
	width   float32 // of a bin
	counts  []float64
	count   float64
}

// add counts the positive values.
func (h *values) add(all []float32) {
	largest := slices.Max(all)
	if !(largest > 0) || math.IsInf(float64(largest), 0) {
		return
	}
	h.reach(largest)
	inverse := 1 / h.width
	for _, v := range all {
		if v > 0 {
			h.counts[int(v*inverse)]++
			h.count++
		}
	}
}

// reach makes room for a value.
func (h *values) reach(v float32) {
	if h.counts == nil {
		const least = 0x1p-126 // neither it nor 1 over it leaves the normal numbers
		_, exponent := math.Frexp(float64(v))
		h.counts, h.width = make([]float64, bins), float32(max(least, math.Ldexp(1.0/bins, exponent)))
	}
	h.largest = max(h.largest, float64(v))
	for v >= bins*h.width {
		h.coarsen()
	}
}

// coarsen makes bins twice as wide.
func (h *values) coarsen() {
	for i := range bins / 2 {
		h.counts[i] = h.counts[2*i] + h.counts[2*i+1]
	}
	clear(h.counts[bins/2:])
	h.width *= 2
}

// merge adds another histogram, which it may coarsen.
func (h *values) merge(other *values) {
	if other.counts == nil {
		return
	}
	h.reach(float32(other.largest))
	for other.width < h.width {
		other.coarsen()
	}
	for h.width < other.width {
		h.coarsen()
	}
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.count += other.count
}

// limit returns the largest value that a byte shall hold.
func (h *values) limit(how string) float64 {
	switch how {
	case percentile:
		return h.percentile(0.9999)
	case mse:
		return h.leastError()
	}
	return h.largest
}

// percentile returns the end of the bin up to which a share of the values lie.
func (h *values) percentile(share float64) float64 {
	below := 0.0
	for i, n := range h.counts {
		if below += n; below >= share*h.count {
			return min(h.largest, float64(i+1)*float64(h.width))
		}
	}
	return h.largest
}

// leastError returns the limit with the least squared error of values rounded to
// 255 steps and cut off above it.
func (h *values) leastError() float64 {
	best, least := h.largest, math.Inf(1)
	const tries = 128
	for i := range tries {
		limit := h.largest * float64(tries-i) / tries
		if e := h.squaredError(limit); e < least {
			best, least = limit, e
		}
	}
	return best
}

func (h *values) squaredError(limit float64) (sum float64) {
	step := limit / 255
	for i, n := range h.counts {
		if n == 0 {
			continue
		}
		v := (float64(i) + 0.5) * float64(h.width)
		e := step * step / 12 // of values spread over a step
		if v > limit {
			e = (v - limit) * (v - limit)
		} else if v < step/2 {
			e = v * v
		}
		sum += n * e
	}
	return sum
}
