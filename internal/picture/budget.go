package picture

import (
	"runtime"
	"sync"
)

// budget is memory that is lent to some until it is given back.
type budget struct {
	free    *int64
	changed *sync.Cond
}

func newBudget(bytes int64) budget {
	return budget{&bytes, sync.NewCond(new(sync.Mutex))}
}

// take waits until there is so much. Nobody may ask for more than there is in
// all, nor twice.
func (b budget) take(bytes int64) *loan {
	b.changed.L.Lock()
	defer b.changed.L.Unlock()
	for *b.free < bytes {
		b.changed.Wait()
	}
	*b.free -= bytes
	return &loan{b, bytes}
}

// loan is what somebody has of a budget.
type loan struct {
	from  budget
	bytes int64
}

// reduce gives back all but so many bytes. What was large is really free then:
// the garbage collector would let as much again pile up.
func (l *loan) reduce(bytes int64) {
	const large = 128 << 20
	back := l.bytes - bytes
	if back >= large {
		runtime.GC()
	}
	l.bytes = bytes
	l.from.changed.L.Lock()
	defer l.from.changed.L.Unlock()
	*l.from.free += back
	l.from.changed.Broadcast()
}
