package train

import (
	"strings"
	"testing"
	"time"
)

func TestPaceForgetsOneSleepAndFollowsASlowerMachine(t *testing.T) {
	var c clock
	for _, asleep := range []int{1, 2, 5, 20, 100} {
		c = clock{}
		for update := range 120 {
			took := 100 * time.Millisecond
			if update+1 == asleep {
				took = time.Hour
			}
			if c.step(took); update > 18 && (c.pace < 100*time.Millisecond || c.pace > 200*time.Millisecond) {
				t.Fatalf("after an hour's sleep in update %d of 100 ms the pace is %v after %d", asleep, c.pace, update+1)
			}
		}
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
