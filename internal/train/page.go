package train

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/weights"
)

// page is what the report shows besides the metrics. It is gathered once; none
// of it is needed to go on, so what cannot be had is left out.
type page struct {
	gathered bool
	sample   []report.Sample
	earlier  *report.Earlier
	majority float64
	params   int

	validated  *evaluate.Result // the newest
	found      *evaluate.Result // the best of this session; the newest while the best is of an earlier one
	foundEpoch int
	isBest     bool             // found is of the best weights
	maps       []explain.Result // of found's mistakes
}

// writeReport writes the page that shows the metrics so far.
func (r *run) writeReport(state string) error {
	lines, err := report.ReadMetrics(r.path(rundir.Metrics))
	if err != nil {
		return err
	}
	config := r.job.Absolute().YAML()
	r.page.gather(r, config)
	shown := report.Run{
		Title: r.job.Dir, Headline: r.headline(), State: fmt.Sprintf("%s, step %d of %d", state, r.at.Step,
			r.updates()), Lines: lines, Config: string(config),
		Progress: fmt.Sprintf("epoch %d of %d", min(r.at.epoch(), r.recipe.Train.Epochs), r.recipe.Train.Epochs),
		Changed:  r.changed(), Facts: r.facts(), Classes: r.weights.Spec.Classes,
		Majority: r.page.majority, Earlier: r.page.earlier, Sample: r.page.sample, FoundEpoch: r.page.foundEpoch,
	}
	if state == "training" {
		shown.Left = r.left()
	}
	if r.data.val != nil {
		shown.ValImages = r.data.val.Len()
	}
	if r.page.found != nil {
		shown.Found = &report.Evaluation{Outcome: r.outcome(), Version: r.job.Version, Maps: r.page.maps}
	}
	return report.WriteHTML(r.path(rundir.Report), shown)
}

// writeEvents writes the TensorBoard events that show the metrics so far.
func (r *run) writeEvents() error {
	lines, err := report.ReadMetrics(r.path(rundir.Metrics))
	if err != nil {
		return err
	}
	return report.WriteTensorBoard(r.job.Dir, lines)
}

// keep makes the newest validation the one to show, unless a better one is.
func (p *page) keep(epoch int, best bool) {
	if best || !p.isBest {
		p.found, p.foundEpoch, p.isBest = p.validated, epoch, best
	}
}

// gather collects what stays the same while the run goes on.
func (p *page) gather(r *run, config []byte) {
	if p.gathered {
		return
	}
	p.gathered = true
	p.earlier = report.FindEarlier(r.job.Dir, config)
	p.sample = r.sample()
	if r.data.val != nil && r.data.val.Len() > 0 {
		most := 0
		for _, n := range dataset.ClassSizes(r.data.val) {
			most = max(most, n)
		}
		p.majority = float64(most) / float64(r.data.val.Len())
	}
	if layers, err := model.Layers(r.weights.Spec); err == nil {
		p.params = model.Params(layers, false)
	}
}

// headline says what is trained on what.
func (r *run) headline() string {
	s := r.weights.Spec
	val := "without validation"
	if r.data.val != nil {
		val = fmt.Sprintf("%d for validation", r.data.val.Len())
	}
	return fmt.Sprintf("%s at width %g and %d px, %.2f million parameters, trained on %d images of %d classes from "+
		"%s, %s.",
		s.Variant, s.Width, s.InputSize, float64(r.page.params)/1e6, r.data.train.Len(), s.Classes, r.job.Data.Train, val)
}

// facts say how to make the run again.
func (r *run) facts() (facts []report.Fact) {
	if r.job.Command != "" {
		facts = append(facts, report.Fact{"command", r.job.Command})
	}
	for _, text := range r.data.harm() {
		facts = append(facts, report.Fact{"damaged images", text})
	}
	return append(facts,
		report.Fact{"program", "inception " + r.job.Version},
		report.Fact{"machine", fmt.Sprintf("%s/%s, %s kernels on %d threads, %s",
			runtime.GOOS, runtime.GOARCH, kernel.ISA(), parallel.Threads(), runtime.Version())},
		report.Fact{"seed", fmt.Sprint(r.recipe.Train.Seed)},
		report.Fact{"training images", r.data.fingerprint + " (fingerprint of their names and classes)"},
	)
}

// changed lists the settings that are not the network's defaults.
func (r *run) changed() (all []report.Changed) {
	defaults, err := DefaultConfig(r.job.Model.Variant)
	if err != nil {
		return nil
	}
	own := r.job.Config
	of := settings.Leaves(&defaults)
	for i, l := range settings.Leaves(&own) {
		if value := l.Text(); value != of[i].Text() {
			all = append(all, report.Changed{Key: l.Key, Value: value, Default: of[i].Text()})
		}
	}
	return all
}

// sampleImages is how many training images the report shows, at a height of at
// most so many pixels.
const sampleImages, sampleHeight = 12, 160

// sample returns the first images of the first epoch as the network sees them.
func (r *run) sample() (all []report.Sample) {
	batches := r.from(context.Background(), 0, 0)
	defer batches.Close()
	inputs := r.data.preprocess
	inputs.Size = r.sizeOf(0)
	per := 3 * inputs.Size * inputs.Size
	for len(all) < sampleImages {
		b, err := batches.Next()
		if err != nil {
			return all
		}
		for i, label := range b.Labels {
			if label >= 0 && len(all) < sampleImages {
				im := inputs.Denormalise(b.Images[i*per : (i+1)*per]).Thumbnail(sampleHeight)
				all = append(all, report.NewSample(im, r.labelOf(b, i)))
			}
		}
	}
	return all
}

// labelOf names the class of a batch's image, or those that are mixed in it.
func (r *run) labelOf(b *dataset.Batch, i int) string {
	classes := r.data.train.Classes()
	if b.Others == nil || b.Shares[i] == 1 || b.Others[i] < 0 {
		return classes[b.Labels[i]]
	}
	share := 100 * b.Shares[i]
	return strings.Join([]string{
		fmt.Sprintf("%s %.0f%%", classes[b.Labels[i]], share), fmt.Sprintf("%s %.0f%%", classes[b.Others[i]], 100-share),
	}, " + ")
}

// outcome is the validation to show as eval would have it.
func (r *run) outcome() *evaluate.Outcome {
	of := rundir.Last
	if r.page.isBest {
		of = rundir.Best
	}
	return &evaluate.Outcome{
		Result: *r.page.found, Set: r.data.val,
		Members: []evaluate.Member{{Path: r.path(of), Metadata: weights.Metadata{
			Spec: r.weights.Spec, Labels: r.data.train.Classes(), Preprocess: r.data.preprocess,
		}}},
	}
}

// explain makes maps of what the weights saw in their mistakes, if the
// network that does so fits into the memory beside the one that trains.
func (p *page) explain(ctx context.Context, r *run) {
	training := r.net.Plan.Bytes
	needs := training + 2*explain.MistakesBatch*training/int64(r.recipe.Train.BatchSize) + 8*4*int64(p.params)
	if p.found == nil || ctx.Err() != nil || !r.job.memory().Fits(needs) {
		return
	}
	o := r.outcome()
	wrong := o.Mistakes()
	if maps, err := explain.Mistakes(ctx, o, wrong[:min(report.PageMistakes, len(wrong))]); err == nil {
		p.maps = maps
	}
}
