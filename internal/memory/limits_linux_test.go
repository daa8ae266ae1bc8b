package memory

import (
	"testing"
	"testing/fstest"
)

func TestTheSmallestLimitOfAllGroupsHolds(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"version 2": {map[string]string{"proc/self/cgroup": "0::/user/job\n", "sys/fs/cgroup/user/job/memory.max": "5000\n"}, 5000},
		"no limit":  {map[string]string{"proc/self/cgroup": "0::/user/job\n", "sys/fs/cgroup/user/job/memory.max": "max\n"}, 0},
		"a group around it": {map[string]string{"proc/self/cgroup": "0::/user/job\n",
			"sys/fs/cgroup/user/job/memory.max": "max\n", "sys/fs/cgroup/user/memory.max": "700\n"}, 700},
		"version 1": {map[string]string{"proc/self/cgroup": "5:cpu:/x\n4:memory,hugetlb:/job\n0::/\n",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "800\n"}, 800},
		"version 1 without a limit": {map[string]string{"proc/self/cgroup": "4:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"a container's root": {map[string]string{"proc/self/cgroup": "4:memory:/docker/abc\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "900\n"}, 900},
		"nothing": {map[string]string{}, 0},
		"garbage": {map[string]string{"proc/self/cgroup": "x\n::\n0::/../..\n", "sys/fs/cgroup/memory.max": "-\n"}, 0},
	} {
		root := fstest.MapFS{}
		for path, text := range c.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := smallest(cgroups(root)).Bytes; got != c.want {
			t.Errorf("%s: the limit is %d, want %d", name, got, c.want)
		}
	}
	if l := Available(); l.Bytes <= 0 || l.Bytes > Machine() || l.Of == "" {
		t.Errorf("of this machine's %d bytes there are %+v", Machine(), l)
	}
}

func TestSomethingIsLeftForTheRestOfTheProcess(t *testing.T) {
	l := Limit{Bytes: 1600, Of: "this machine"}
	if !l.Fits(1500) || l.Fits(1501) || !(Limit{}).Fits(1<<60) {
		t.Error("a sixteenth of the memory is not kept, or an unknown limit refuses")
	}
}

// Ranks of a machine share it, and a control group that they are in together; what
// ulimit allows is for each.
func TestRanksShareWhatTheyHaveInCommon(t *testing.T) {
	all := []Limit{{1200, "this machine", "machine"}, {900, "this process's cgroup", "a"}, {1000, "the limit set by ulimit", ""}}
	for _, c := range []struct {
		processes []int
		bytes     int64
		of        string
	}{
		{[]int{1, 1, 1}, 900, "this process's cgroup"},
		{[]int{4, 1, 4}, 300, "each of the 4 ranks that share this machine"},
		{[]int{4, 4, 4}, 225, "each of the 4 ranks that share this process's cgroup"},
	} {
		if got := Share(all, c.processes); got.Bytes != c.bytes || got.Of != c.of {
			t.Errorf("shared by %v there are %+v", c.processes, got)
		}
	}
}
