package ablate

import (
	"fmt"
	"path/filepath"

	"github.com/inception-go/inception/internal/statistics"
)

// scheduleFile is a file of the ablation folder: when its rows are looked at.
const scheduleFile = "plan.json"

// schedule says when the rows are looked at. It is written before the first run
// and kept, so that no look is chosen by what it would show.
type schedule struct {
	Sequential bool              `json:"sequential"` // seeds are added where verdicts are open
	Looks      []statistics.Look `json:"looks"`
	Taken      int               `json:"taken"` // of the looks, by complete tables
	Equal      Footing           `json:"equal,omitempty"`
	Epochs     map[string]int    `json:"epochs,omitempty"` // of each row, where they are not equal
}

// MostSeeds is the most seeds of a row that a budget is spent on.
const MostSeeds = 64

// schedule returns the looks of the plan in dir: those that were fixed there
// before, and new ones only behind what has been looked at. With no dir nothing
// was fixed.
func (p *Plan) schedule(dir string) (schedule, error) {
	then, err := readSchedule(dir)
	if err != nil {
		return then, err
	}
	now := schedule{Sequential: p.budget > 0, Equal: then.Equal, Epochs: then.Epochs}
	if now.Sequential {
		now.Looks = statistics.Sequential(max(1, p.comparisons()), Level, MostSeeds)
	} else {
		now.Looks = []statistics.Look{{Pairs: len(p.Seeds), Level: Level}}
	}
	switch {
	case len(then.Looks) == 0:
		return now, nil
	case then.Sequential:
		return then, nil
	}
	taken := then.Looks[:min(then.Taken, len(then.Looks))]
	if len(taken) == 0 {
		return now, nil
	}
	last := taken[len(taken)-1].Pairs
	then.Looks, then.Sequential = taken, now.Sequential
	for _, look := range now.Looks {
		if look.Pairs > last {
			then.Looks = append(then.Looks, look)
		}
	}
	return then, nil
}

func readSchedule(dir string) (s schedule, err error) {
	if dir == "" {
		return s, nil
	}
	path := filepath.Join(dir, scheduleFile)
	if s, _, err = readJSON[schedule](path); err != nil {
		return s, fmt.Errorf("%w; it holds when the rows are looked at; delete it to begin anew", err)
	}
	for i, look := range s.Looks {
		if look.Pairs < 1 || look.Pairs > 1000 || !(look.Level > 0 && look.Level <= Level) ||
			i > 0 && look.Pairs <= s.Looks[i-1].Pairs {
			return s, fmt.Errorf("%s: look %d makes no sense: %d seeds at level %g", path, i+1, look.Pairs, look.Level)
		}
	}
	return s, nil
}

func (s schedule) write(dir string) error {
	return writeJSON(filepath.Join(dir, scheduleFile), s)
}

// spent returns the levels of all looks together.
func (s schedule) spent() (sum float64) {
	for _, look := range s.Looks {
		sum += look.Level
	}
	return sum
}

// comparisons counts the rows that have a base, and the effects.
func (p *Plan) comparisons() (n int) {
	for _, row := range p.rows {
		if row.base != "" {
			n++
		}
	}
	return n + len(p.effects)
}
