package parallel

import (
	"io/fs"
	"runtime"
	"strconv"
	"strings"
)

// Default returns how many threads For uses unless it is told otherwise: one per
// processor that Go may use, but only as many as there are fast ones where a machine
// has fast and slow ones. With slow ones too, every For would end by waiting for them.
func Default() int {
	threads := runtime.GOMAXPROCS(0)
	if fast := fastCores(); fast > 0 {
		threads = min(threads, fast)
	}
	return threads
}

// fastOf counts the processors whose capacity is at least half of the greatest, in
// Linux's folder of processors; 0 if it does not say. Only machines whose processors
// differ have the files; see Documentation/ABI/testing/sysfs-devices-system-cpu.
func fastOf(processors fs.FS) int {
	files, err := fs.Glob(processors, "cpu[0-9]*/cpu_capacity")
	if err != nil {
		return 0
	}
	var capacities []int
	most := 0
	for _, name := range files {
		text, err := fs.ReadFile(processors, name)
		if err != nil {
			return 0
		}
		capacity, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return 0
		}
		capacities = append(capacities, capacity)
		most = max(most, capacity)
	}
	fast := 0
	for _, capacity := range capacities {
		if 2*capacity >= most {
			fast++
		}
	}
	return fast
}
