package train

import "time"

// clock measures a run's time, over all its sessions, and what is left of it.
type clock struct {
	before   time.Duration // of earlier sessions
	began    time.Time
	lastSave time.Time
	lastPage time.Time

	steps      int           // of this session
	pace       time.Duration // of an update: a mean that forgets
	fastest    time.Duration // update
	validation time.Duration // of the last one
}

func (c *clock) start(before time.Duration) {
	*c = clock{before: before, began: time.Now(), lastSave: time.Now(), lastPage: time.Now()}
}

func (c *clock) elapsed() time.Duration { return c.before + time.Since(c.began) }

// paceSteps is about how many updates the pace remembers.
const paceSteps = 20

// step takes in the time of one update.
func (c *clock) step(d time.Duration) {
	c.steps++
	if c.fastest == 0 || d < c.fastest {
		c.fastest = d
	}
	// A plain mean over the first 20, then one that forgets: the first updates are slow,
	// and the machine may not stay as free as it was. One in which the process was
	// stopped counts as a slow one, or hours would seem to be days.
	if c.steps == 2 {
		c.pace = min(c.pace, 4*d)
	}
	if c.steps > 1 {
		d = min(d, 4*c.pace)
	}
	c.pace += (d - c.pace) / time.Duration(min(c.steps, paceSteps))
}

func (c *clock) validated(d time.Duration) { c.validation = d }

func (c *clock) saved() { c.lastSave = time.Now() }

func (c *clock) sinceSave() time.Duration { return time.Since(c.lastSave) }

func (c *clock) reported() { c.lastPage = time.Now() }

func (c *clock) sinceReport() time.Duration { return time.Since(c.lastPage) }
