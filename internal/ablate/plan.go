package ablate

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/inception-go/inception/internal/train"
)

// Options say what to compare.
type Options struct {
	Suite     Suite
	Base      config.Sources // what the rows change; its Set may hold ROW:key=value, which changes a row
	Seeds     int            // runs of each row, with train.seed and the seeds that follow it
	Baselines bool           // whether to include the suite's baselines
	Budget    time.Duration  // how long to train, seeds being added where verdicts are open; 0 for Seeds of every row
	Margin    float64        // the largest difference of errors that does not matter, a fraction of 1
	Equal     Footing        // what all rows get the same of; empty for epochs
	Tune      string         // KEY=a,b,c to choose for each row by short runs; empty for nothing
	TuneEpoch int            // epochs of a short run; 0 for a quarter of the base's
	Version   string         // of the program
	Emulate   bool           // train.Job's
	Crew      *Crew          // rank 0's, under MPI; nil for one process
}

// Plan is a suite whose rows have all been checked.
type Plan struct {
	Suite   string
	Base    *config.Resolved
	Seeds   []uint64
	rows    []planned
	effects []effect
	margin  float64
	budget  time.Duration // with one, seeds are added where verdicts are open
	equal   Footing
	tune    *tuning   // nil without
	like    train.Job // every run's, but for what the row says
	crew    *Crew

	images map[string]string // identify's
}

// planned is a row with all that its runs need.
type planned struct {
	Row
	base                  string   // the row that it is compared with; empty for none
	ideas                 uint     // of a suite of ideas, which it has
	settings              []string // its own settings, key=value
	config                *config.Resolved
	outline               train.Outline
	params, paramsWithAux int
	macs                  int64
	trainMACs             int64 // model.TrainingMACs

	change  *change        // what it was resolved from,
	sources config.Sources // and upon which base
	tuned   []Tuned
}

// Prepare resolves and checks the configuration of every row. An error says
// where the offending setting is.
func Prepare(o Options) (*Plan, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	changes := o.Suite.changes(o.Baselines)
	if err := takeRowSettings(&o.Base, changes); err != nil {
		return nil, err
	}
	p := &Plan{Suite: o.Suite.title(), effects: o.Suite.effects(), margin: o.Margin, budget: o.Budget,
		equal: cmp.Or(o.Equal, EqualEpochs),
		like:  train.Job{Version: o.Version, Emulate: o.Emulate}, crew: o.Crew, images: map[string]string{}}
	if o.Crew != nil {
		p.like.Memory = o.Crew.Memory
		if err := o.Crew.check(); err != nil {
			return nil, err
		}
	}
	var err error
	if p.Base, err = config.Load(o.Base); err != nil {
		return nil, err
	}
	for i := range o.Seeds {
		p.Seeds = append(p.Seeds, p.Base.Train.Seed+uint64(i))
	}
	if o.Tune != "" {
		if p.tune, err = parseTuning(o.Tune); err != nil {
			return nil, err
		}
		apart, err := tuningData(p.Base.Config)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.above == nil {
				c.every = slices.Concat(c.every, apart)
			}
		}
	}
	for _, c := range changes {
		planned, err := plan(c, o.Base, p.like)
		if err == nil && planned.config.Train.Seed != p.Base.Train.Seed {
			err = fmt.Errorf("%s: %w", planned.config.Origin["train.seed"], settings.Errorf("train.seed",
				"all rows have the same seeds, from --seeds and the base's train.seed; remove it"))
		}
		if err != nil {
			return nil, fmt.Errorf("row %s: %w", c.Name, err)
		}
		p.rows = append(p.rows, planned)
	}
	if p.tune != nil {
		if err := p.tune.prepare(p.rows, o.TuneEpoch, p.like); err != nil {
			return nil, err
		}
	}
	return p, errors.Join(p.equal.check(p.rows), p.shareable())
}

func (o Options) validate() error {
	switch {
	case o.Seeds < 1 || o.Seeds > 1000:
		return fmt.Errorf("--seeds: must be from 1 to 1000, is %d", o.Seeds)
	case o.Budget < 0:
		return fmt.Errorf("--budget: must not be negative, is %s", o.Budget)
	case !(o.Margin >= 0 && o.Margin < 1):
		return fmt.Errorf("--margin: must be from 0 to 100 points, is %g", 100*o.Margin)
	case o.Baselines && len(o.Suite.Baselines) == 0:
		return fmt.Errorf("--baselines: suite %s has none", o.Suite.Name)
	case o.Tune == "" && o.TuneEpoch != 0:
		return errors.New("--tune-epochs: is of the short runs of --tune, which is missing")
	}
	return nil
}

// shareable returns an error if the ranks of a crew cannot share the updates of a
// row: they divide the batches that one process would do one after another.
func (p *Plan) shareable() error {
	for _, row := range p.rows {
		batches := row.config.Train.GradAccumSteps
		if possible := train.RankCounts(batches); !slices.Contains(possible, p.crew.ranks()) {
			return fmt.Errorf("--ranks-per-run: row %s: %w", row.Name, settings.Errorf("train.grad_accum_steps",
				"is %d, and %d ranks cannot share an update of so many batches; %v can", batches, p.crew.ranks(), possible))
		}
	}
	return nil
}

// takeRowSettings moves the settings of base that start with a row's name to
// that row; in a cumulative suite they also apply to the rows below it.
func takeRowSettings(base *config.Sources, changes []*change) error {
	var names []string
	for _, c := range changes {
		names = append(names, c.Name)
	}
	var set []string
	for _, text := range base.Set {
		key, _, _ := strings.Cut(text, "=")
		name, _, ok := strings.Cut(key, ":")
		if !ok {
			set = append(set, text)
			continue
		}
		at := slices.Index(names, name)
		if at < 0 {
			return fmt.Errorf("--set %s: the suite has no row %q; did you mean %s?", text, name, spelling.Nearest(name, names))
		}
		c := changes[at]
		from := config.Origin{Kind: config.FromSet, Place: name}
		c.own = append(c.own, config.Setting{Text: text[len(name)+1:], From: from})
	}
	base.Set = set
	return nil
}

// plan resolves one row, whose runs are like a job.
func plan(c *change, base config.Sources, like train.Job) (planned, error) {
	r := planned{Row: c.Row, base: c.base, ideas: c.ideas, change: c, sources: base}
	for _, s := range c.own {
		r.settings = append(r.settings, s.Text)
	}
	base.Over = c.all()
	var err error
	if r.config, err = config.Load(base); err != nil {
		return r, err
	}
	like.Config = r.config.Absolute()
	if r.outline, err = train.Check(like); err != nil {
		return r, r.config.MissingData(err)
	}
	r.config.Train.Epochs = r.outline.Epochs // of which the file may say: as many as suit the images
	if r.outline.ValImages == 0 {
		return r, settings.Errorf("data.val",
			"there are no validation images to compare the rows with; set it, or data.val_fraction")
	}
	layers, err := model.Layers(r.outline.Spec)
	r.params, r.paramsWithAux, r.macs = model.Params(layers, false), model.Params(layers, true), model.MACs(layers)
	r.trainMACs = model.TrainingMACs(layers)
	return r, err
}

// job is a run of the row below the ablation folder dir.
func (p *Plan) job(r planned, seed uint64, dir string) train.Job {
	job := p.like
	job.Config, job.Dir = r.config.Absolute(), filepath.Join(dir, folder(r.Name, seed))
	job.Train.Seed = seed
	return job
}

// folder is the folder of a run, below that of the ablation.
func folder(row string, seed uint64) string {
	return filepath.Join(row, fmt.Sprintf("seed-%d", seed))
}
