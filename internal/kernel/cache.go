package kernel

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
)

// What is cut by the size of a cache must give the same bits for any size, for
// machines with other caches share trainings. The slabs of a product, and the
// chunks of an outer one, set the order of sums, so they are fixed, for 256 KB. A
// piece of Winograd's transforms only holds tiles beside each other; but in bf16 the
// order of a tile's sums depends on its size, so there pieces are fixed too. The order
// in which a product's pieces come is seen in no bit.

// L2Bytes returns how much L2 cache a thread has to itself, by the largest share
// of any processor; 0 where the system does not tell.
var L2Bytes = sync.OnceValue(l2Bytes)

// cacheEnough is what a call keeps in the L2 cache beside what streams through it, by
// measurements where there is 1 MB of it: the transformed input of a piece of
// Winograd's, or all weights of a product.
const cacheEnough = 384 << 10

// cacheShare is cacheEnough, or less where that would not fit.
// Where the system tells nothing, 1 MB is assumed, as Neoverse cores have.
var cacheShare = sync.OnceValue(func() int { return cacheShareOf(L2Bytes()) })

func cacheShareOf(l2 int) int {
	const least = 48 << 10
	if l2 == 0 {
		return cacheEnough
	}
	return max(least, min(cacheEnough, l2/4*3))
}

// l2Of returns L2Bytes by Linux's folder of processors; see
// Documentation/ABI/testing/sysfs-devices-system-cpu.
func l2Of(processors fs.FS) (most int) {
	folders, err := fs.Glob(processors, "cpu[0-9]*/cache/index2")
	if err != nil {
		return 0
	}
	for _, folder := range folders {
		read := func(name string) string {
			text, err := fs.ReadFile(processors, path.Join(folder, name))
			if err != nil {
				return ""
			}
			return strings.TrimSpace(string(text))
		}
		kilobytes, err := strconv.Atoi(strings.TrimSuffix(read("size"), "K"))
		sharing := processorsIn(read("shared_cpu_list"))
		if err == nil && read("level") == "2" && kilobytes > 0 && kilobytes < 1<<20 && sharing > 0 {
			most = max(most, kilobytes<<10/sharing)
		}
	}
	return most
}

// processorsIn counts the processors of a list such as 0-3,8; 0 if it is none.
func processorsIn(list string) (n int) {
	for part := range strings.SplitSeq(list, ",") {
		from, to, span := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		last := first
		if err == nil && span {
			last, err = strconv.Atoi(to)
		}
		if err != nil || last < first {
			return 0
		}
		n += 1 + last - first
	}
	return n
}
