package picture

import "sync"

// budget is memory that is lent to some until it is given back.
type budget struct {
	free    *int64
	changed *sync.Cond
}

func newBudget(bytes int64) budget {
	return budget{&bytes, sync.NewCond(new(sync.Mutex))}
}

// take waits until there is so much and returns what gives it back. Nobody may
// ask for more than there is in all, nor twice.
func (b budget) take(bytes int64) (giveBack func()) {
	b.changed.L.Lock()
	defer b.changed.L.Unlock()
	for *b.free < bytes {
		b.changed.Wait()
	}
	*b.free -= bytes
	return func() {
		b.changed.L.Lock()
		defer b.changed.L.Unlock()
		*b.free += bytes
		b.changed.Broadcast()
	}
}
