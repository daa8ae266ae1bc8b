package parallel

import (
	"fmt"
	"runtime"
	"testing"
	"testing/fstest"
)

func TestFastOfCountsTheLargeProcessors(t *testing.T) {
	for _, c := range []struct {
		capacities []string
		want       int
	}{
		{nil, 0},
		{[]string{"1024\n", "1024\n"}, 2},
		{[]string{"446\n", "446\n", "446\n", "446\n", "1024\n", "1024\n"}, 2},         // two large, four small
		{[]string{"250\n", "250\n", "250\n", "250\n", "870\n", "870\n", "1024\n"}, 3}, // of three kinds
		{[]string{"1024\n", "many\n"}, 0},
		{[]string{"0\n", "0\n"}, 2},
	} {
		files := fstest.MapFS{"cpufreq/policy0": {}, "cpu0/online": {Data: []byte("1")}}
		for i, text := range c.capacities {
			files[fmt.Sprintf("cpu%d/cpu_capacity", i)] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := fastOf(files); got != c.want {
			t.Errorf("capacities %q: %d fast processors, want %d", c.capacities, got, c.want)
		}
	}
}

func TestDefaultIsWithinGosLimit(t *testing.T) {
	defer SetThreads(0)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	SetThreads(0)
	if n := Threads(); n != 1 {
		t.Errorf("%d threads by default where Go may use one processor", n)
	}
}
