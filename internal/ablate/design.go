package ablate

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/spelling"
)

// Idea is a change that a configuration can have or not.
type Idea struct {
	Name, Title, Change string
	With, Without       []config.Setting
}

// Design says which combinations of a suite's ideas are its rows.
type Design string

// The designs.
const (
	LeaveOneOut Design = "leave-one-out" // all ideas, and all but each one
	AddOne      Design = "add-one"       // none, and each one alone
	Ladder      Design = "ladder"        // none, and one more idea a row
	Factorial   Design = "factorial"     // every combination, up to four ideas
)

// Designs lists the designs.
func Designs() []string {
	return []string{string(LeaveOneOut), string(AddOne), string(Ladder), string(Factorial)}
}

// mostIdeas is the most ideas of a suite, and mostFactors of a factorial one.
const mostIdeas, mostFactors = 32, 4

// Choose returns the suite with another design; empty for its own. An error
// says what cannot be.
func (s Suite) Choose(design string) (Suite, error) {
	if design == "" {
		return s, nil
	}
	if len(s.Ideas) == 0 {
		return s, fmt.Errorf("--design: suite %s lists rows; only one that lists ideas has designs, such as ideas", s.Name)
	}
	s.Design = Design(design)
	if err := s.checkDesign(); err != nil {
		return s, fmt.Errorf("--design: %w", err)
	}
	return s, nil
}

func (s Suite) checkDesign() error {
	if !slices.Contains(Designs(), string(s.Design)) {
		return fmt.Errorf("%q is unknown; did you mean %s? known: %s",
			s.Design, spelling.Nearest(string(s.Design), Designs()), strings.Join(Designs(), ", "))
	}
	if s.Design == Factorial && len(s.Ideas) > mostFactors {
		return fmt.Errorf("factorial takes at most %d ideas, which make %d rows; the suite has %d",
			mostFactors, 1<<mostFactors, len(s.Ideas))
	}
	return nil
}

// title names the suite, with its design where it has one.
func (s Suite) title() string {
	if len(s.Ideas) > 0 {
		return fmt.Sprintf("%s-%s", s.Name, s.Design)
	}
	return s.Name
}

// sets lists the combinations of ideas that are rows: a bit for each idea.
func (s Suite) sets() (all []uint) {
	whole := uint(1)<<len(s.Ideas) - 1
	switch s.Design {
	case LeaveOneOut:
		all = append(all, whole)
		for i := range s.Ideas {
			all = append(all, whole&^(1<<i))
		}
	case AddOne:
		all = append(all, 0)
		for i := range s.Ideas {
			all = append(all, 1<<i)
		}
	case Ladder:
		for i := range len(s.Ideas) + 1 {
			all = append(all, 1<<i-1)
		}
	case Factorial:
		for set := range whole + 1 {
			all = append(all, set)
		}
	}
	return all
}

// combinations lists the rows of a suite of ideas.
func (s Suite) combinations() (rows []*change) {
	for i, set := range s.sets() {
		c := &change{Row: s.row(set), every: s.Set, ideas: set}
		for k, idea := range s.Ideas {
			if set>>k&1 == 1 {
				c.own = append(c.own, idea.With...)
			} else {
				c.own = append(c.own, idea.Without...)
			}
		}
		switch {
		case i == 0 || s.Design == Factorial: // its effects are compared, not its rows
		case s.Design == Ladder:
			c.base = rows[i-1].Name
		default:
			c.base = rows[0].Name
		}
		rows = append(rows, c)
	}
	return rows
}

// row describes a combination. Its name follows from its ideas alone, so that
// several designs in one folder share their runs.
func (s Suite) row(set uint) Row {
	n := bits.OnesCount(set)
	var in, out []string // their names
	var with, without string
	for k, idea := range s.Ideas {
		if set>>k&1 == 1 {
			in, with = append(in, idea.Name), join(with, idea.Title)
		} else {
			out, without = append(out, idea.Name), join(without, idea.Title)
		}
	}
	switch {
	case n == 0:
		return described(s.Bare, "bare", "none of the ideas")
	case n == len(s.Ideas):
		return described(s.Full, "full", "all of the ideas")
	case s.Design == Ladder:
		last := s.Ideas[n-1]
		return Row{Name: s.name(in, out), Title: "+ " + last.Title, Change: last.Change}
	case n == 1:
		last := s.Ideas[slices.IndexFunc(s.Ideas, func(i Idea) bool { return i.Name == in[0] })]
		return Row{Name: s.name(in, out), Title: "+ " + last.Title, Change: last.Change}
	case len(out) == 1:
		left := s.Ideas[slices.IndexFunc(s.Ideas, func(i Idea) bool { return i.Name == out[0] })]
		return Row{Name: s.name(in, out), Title: "without " + without, Change: cmp.Or(left.Change, "all other ideas")}
	}
	return Row{Name: s.name(in, out), Title: "+ " + with, Change: "without " + without}
}

func (s Suite) name(in, out []string) string {
	if len(out) == 1 && len(in) > 1 {
		return "no-" + out[0]
	}
	return strings.Join(in, "_")
}

func join(list, name string) string {
	if list != "" {
		list += ", "
	}
	return list + name
}

// described returns a row with what the suite says of it.
func described(r Row, name, change string) Row {
	r.Name = name
	if r.Title == "" {
		r.Title = name
	}
	if r.Change == "" {
		r.Change = change
	}
	return r
}

// checkIdeas returns what is wrong with a suite's ideas.
func (s Suite) checkIdeas() error {
	if len(s.Ideas) > mostIdeas {
		return fmt.Errorf("has %d ideas; %d are the most", len(s.Ideas), mostIdeas)
	}
	if len(s.Rows) > 0 {
		return errors.New("has rows and ideas; a design makes the rows out of the ideas, so remove one")
	}
	if len(s.Baselines) > 0 {
		return errors.New("has ideas and baselines; a baseline belongs to no design, so make it a suite of its own")
	}
	if err := s.checkDesign(); err != nil {
		return fmt.Errorf("design: %w", err)
	}
	names := map[string]bool{}
	for _, design := range Designs() {
		s.Design = Design(design)
		if s.checkDesign() != nil {
			continue
		}
		clear(names)
		for _, set := range s.sets() {
			name := s.row(set).Name
			if names[name] {
				return fmt.Errorf("two rows of the design %s are called %q; rename an idea", design, name)
			}
			if names[name] = true; !rowName.MatchString(name) {
				return fmt.Errorf("the row %q of the design %s has too long a name; shorten those of the ideas", name, design)
			}
		}
	}
	return nil
}

// effect is what an idea, or two ideas together, change over all combinations.
type effect struct {
	name, title string
	ideas       uint
}

// effects lists a factorial suite's main effects and the interactions of two
// ideas; none of other designs.
func (s Suite) effects() (all []effect) {
	if s.Design != Factorial || len(s.Ideas) == 0 {
		return nil
	}
	for i, idea := range s.Ideas {
		all = append(all, effect{idea.Name, idea.Title, 1 << i})
	}
	for i, a := range s.Ideas {
		for j, b := range s.Ideas[:i] {
			all = append(all, effect{b.Name + "_" + a.Name, b.Title + " with " + a.Title, 1<<i | 1<<j})
		}
	}
	return all
}

// weight returns the weight of a row's error in the effect: the contrast of the
// rows with an even number of its ideas missing to the others, over half of the
// rows (Box, Hunter and Hunter, "Statistics for Experimenters", 2005, section
// 5.8). For one idea it is the mean with it less the mean without it; for two
// it is half of what one changes with the other less what it changes without.
func (e effect) weight(ideas uint, rows int) float64 {
	w := 2 / float64(rows)
	if bits.OnesCount(e.ideas&^ideas)%2 == 1 {
		return -w
	}
	return w
}
