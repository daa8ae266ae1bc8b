package train

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/memory"
	"github.com/inception-go/inception/internal/settings"
)

// The batch that the error names fits, and the next larger ones do not.
func TestABatchTooLargeIsRefusedWithTheLargestThatFits(t *testing.T) {
	named := regexp.MustCompile(`the largest that fits is (\d+)`)
	for _, batch := range []int{600, 5000, 100_000_000 / (3 * 32 * 32)} {
		for _, mib := range []int64{96, 300} {
			c := tinyJob(t).Config
			c.Model.Classes, c.Train.BatchSize = 10, batch
			limit := memory.Limit{Bytes: mib << 20, Of: "this machine"}
			err := foresee(c, 1, true, limit)
			var wrong *settings.KeyError
			if !errors.As(err, &wrong) || wrong.Key != "train.batch_size" {
				t.Errorf("batch %d in %s: %v", batch, memory.Size(limit.Bytes), err)
				continue
			}
			found := named.FindStringSubmatch(err.Error())
			if found == nil {
				t.Errorf("batch %d in %s: %v", batch, memory.Size(limit.Bytes), err)
				continue
			}
			most, _ := strconv.Atoi(found[1])
			c.Train.BatchSize = most
			if err := foresee(c, 1, true, limit); err != nil {
				t.Errorf("the batch it names does not fit: %v", err)
			}
			c.Train.BatchSize = most + 2 + most/64
			if err := foresee(c, 1, true, limit); err == nil {
				t.Errorf("%d is named as the largest, but %d fits too", most, c.Train.BatchSize)
			}
		}
	}
}

// A training that fits the machine is refused where several ranks share it, with
// a batch that all of them can have.
func TestRanksOfAMachineAreRefusedWhatOneMayHave(t *testing.T) {
	job := shardedJob(t, 1)
	job.Train.BatchSize, job.Data.Train = 300, "shapes:?train=3000&val=13&size=32"
	c := job.Config
	c.Model.Classes = 10
	n, err := needOf(c, 2, c.Train.BatchSize, true, memory.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	machine := []memory.Limit{{Bytes: 2 * n.sum(), Of: "this machine", Common: "machine"}}
	for ranks, fits := range map[int]bool{1: true, 2: false} {
		job.Memory = memory.Share(machine, []int{ranks})
		_, err := Check(job)
		if fits && err != nil || !fits && (err == nil || !strings.Contains(err.Error(), "each of the 2 ranks that share this machine has")) {
			t.Errorf("%d ranks: %v", ranks, err)
		}
	}
}

func TestWhatFitsInNoBatchIsRefusedByItsCause(t *testing.T) {
	limit := memory.Limit{Bytes: 200 << 20, Of: "this machine"}
	for key, change := range map[string]func(*Config){
		"model.width":     func(c *Config) { c.Model.Width = 8 },
		"eval.batch_size": func(c *Config) { c.Eval.BatchSize = 20000 },
	} {
		c := tinyJob(t).Config
		c.Model.Classes = 10
		change(&c)
		if err := foresee(c, 1, true, limit); err == nil || !regexp.MustCompile(regexp.QuoteMeta(key)).MatchString(err.Error()) {
			t.Errorf("%s: %v", key, err)
		}
		if err := foresee(c, 1, true, memory.Limit{}); err != nil {
			t.Errorf("where the memory is not known: %v", err)
		}
	}
}

func TestWhatIsForeseenHasAllParts(t *testing.T) {
	c := tinyJob(t).Config
	c.Model.Classes = 10
	measure := func(change func(*Config)) need {
		of := c
		change(&of)
		n, err := needOf(of, 1, of.Train.BatchSize, true, memory.Limit{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	plain := measure(func(*Config) {})
	if less := measure(func(c *Config) { c.EMA.Decay = 0 }); less.weights >= plain.weights {
		t.Error("an average takes nothing")
	}
	if less := measure(func(c *Config) { c.Train.Freeze = []string{"Conv2d", "Mixed"} }); less.weights >= plain.weights ||
		less.training >= plain.training {
		t.Error("frozen layers take as much as others")
	}
	if more := measure(func(c *Config) { c.Train.GradAccumSteps = 2 }); more.weights <= plain.weights {
		t.Error("accumulated gradients take nothing")
	}
	if n, err := needOf(c, 4, c.Train.BatchSize, true, memory.Limit{}); err != nil || n.weights <= plain.weights {
		t.Errorf("messages to other ranks take nothing (%v)", err)
	}
	if fmt.Sprint(plain) == "" || plain.validation == 0 {
		t.Errorf("validation takes nothing: %v", plain)
	}
}
