package train

import (
	"strings"
	"testing"
	"time"
)

func TestPaceForgetsOneSleepAndFollowsASlowerMachine(t *testing.T) {
	var c clock
	for range 100 {
		c.step(100 * time.Millisecond)
	}
	c.step(time.Hour)
	if c.pace < 100*time.Millisecond || c.pace > 120*time.Millisecond {
		t.Errorf("after an hour's sleep in an update of 100 ms the pace is %v", c.pace)
	}
	for range 200 {
		c.step(5 * time.Second)
	}
	if c.pace < 4*time.Second {
		t.Errorf("after 200 updates of 5 s the pace is %v", c.pace)
	}
}

func TestSlowBF16IsSpokenOf(t *testing.T) {
	for cost, says := range map[float64]bool{0.07: false, 0.5: false, 1: false, 2: true} {
		if text := slowBF16(cost); strings.Contains(text, "about 2.0 times as long") != says {
			t.Errorf("of bf16 that takes %g times as long as float32 it says %q", cost, text)
		}
	}
}
