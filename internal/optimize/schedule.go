package optimize

import (
	"math"

	"github.com/inception-go/inception/internal/settings"
)

// ScheduleOptions are the schedule.* keys: how the learning rate changes.
type ScheduleOptions struct {
	Name         string  `yaml:"name" json:"name"` // its help lists the schedules
	DecayEpochs  float64 `yaml:"decay_epochs" json:"decay_epochs" help:"epochs between two decays"`
	DecayRate    float64 `yaml:"decay_rate" json:"decay_rate" help:"factor by which the learning rate is multiplied at each decay"`
	WarmupEpochs float64 `yaml:"warmup_epochs" json:"warmup_epochs" help:"epochs in which the learning rate rises from near 0"`
	MinLR        float64 `yaml:"min_lr" json:"min_lr" help:"lower limit of the learning rate, except during the warm-up"`
}

// The settings of ScheduleOptions.Name.
const (
	Staircase   = "staircase"
	Exponential = "exponential"
	Cosine      = "cosine"
	Linear      = "linear"
	Constant    = "constant"
)

// schedule is a course of the learning rate after the warm-up.
type schedule struct {
	settings.Choice
	decays bool // uses decay_epochs and decay_rate
	ends   bool // reaches min_lr with the last update
	at     func(o ScheduleOptions, base, floor float64, m moment) float64
}

// moment is a point in a training run.
type moment struct {
	epoch float64 // from the beginning
	done  float64 // share of the updates after the warm-up, 0 to 1
}

// schedules lists the courses. Whatever depends on the schedule reads it here.
func schedules() []schedule {
	return []schedule{
		{
			Choice: settings.Choice{Name: Staircase, About: "multiplied by decay_rate after every decay_epochs"}, decays: true,
			at: func(o ScheduleOptions, base, _ float64, m moment) float64 {
				// The tiny addition keeps rounding from moving an epoch that is
				// exactly at a decay to just before it.
				return base * math.Pow(o.DecayRate, math.Floor(m.epoch/o.DecayEpochs+1e-9))
			},
		},
		{
			Choice: settings.Choice{Name: Exponential, About: "the same decay, but smooth"}, decays: true,
			at: func(o ScheduleOptions, base, _ float64, m moment) float64 {
				return base * math.Pow(o.DecayRate, m.epoch/o.DecayEpochs)
			},
		},
		{
			Choice: settings.Choice{Name: Cosine, About: "down to min_lr at the end"}, ends: true,
			at: func(_ ScheduleOptions, base, floor float64, m moment) float64 {
				return floor + (base-floor)*(1+math.Cos(math.Pi*m.done))/2
			},
		},
		{
			Choice: settings.Choice{Name: Linear, About: "straight down to min_lr at the end, a triangle with warmup_epochs"},
			ends:   true,
			at: func(_ ScheduleOptions, base, floor float64, m moment) float64 {
				return base + (floor-base)*m.done
			},
		},
		{
			Choice: settings.Choice{Name: Constant},
			at:     func(_ ScheduleOptions, base, _ float64, _ moment) float64 { return base },
		},
	}
}

// schedule returns the course of that name.
func (o ScheduleOptions) schedule() (s schedule) {
	for _, s = range schedules() {
		if s.Name == o.Name {
			break
		}
	}
	return s
}

// Ends reports whether the rate is at its lowest with the last update, so that a
// run that is cut short misses what the schedule is for.
func (o ScheduleOptions) Ends() bool { return o.schedule().ends }

// courses are the choices of schedule.name.
func courses() (all []settings.Choice) {
	for _, s := range schedules() {
		all = append(all, s.Choice)
	}
	return all
}

// Help implements settings.Explainer.
func (ScheduleOptions) Help(name string) string {
	if name == "name" {
		return settings.Choices(courses())
	}
	return ""
}

// Validate returns the first thing wrong with the schedule.* keys.
func (o ScheduleOptions) Validate() error {
	if err := settings.First(
		settings.OneOf("schedule.name", o.Name, courses()),
		settings.Within("schedule.warmup_epochs", o.WarmupEpochs, 0, 1e6),
		settings.Within("schedule.min_lr", o.MinLR, 0, 1000),
	); err != nil || !o.schedule().decays {
		return err
	}
	if !(o.DecayEpochs > 0 && o.DecayEpochs < 1e9) {
		return settings.Errorf("schedule.decay_epochs", "must be positive, is %g", o.DecayEpochs)
	}
	if !(o.DecayRate > 0 && o.DecayRate <= 1) {
		return settings.Errorf("schedule.decay_rate", "must be above 0 and at most 1, is %g", o.DecayRate)
	}
	return nil
}

// At returns the learning rate of update step (from 0) in a run of total
// updates whose unscheduled rate is base.
func (o ScheduleOptions) At(base float64, step, total, stepsPerEpoch int) float64 {
	warmup := o.WarmupEpochs * float64(stepsPerEpoch)
	if at := float64(step) + 1; at < warmup {
		return base * at / warmup
	}
	done := (float64(step) - warmup) / math.Max(1, float64(total)-warmup)
	m := moment{epoch: float64(step) / float64(stepsPerEpoch), done: math.Min(1, math.Max(0, done))}
	floor := math.Min(o.MinLR, base)
	return math.Max(floor, o.schedule().at(o, base, floor, m))
}
