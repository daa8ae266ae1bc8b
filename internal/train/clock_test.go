package train

import (
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
