package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// ByFirst lets rank 0 alone find something, of which v points to what it is put in,
// and gives it to all ranks.
func (c *Cluster) ByFirst(v any, find func() error) error {
	if c.Size() == 1 {
		return find()
	}
	var err error
	if c.Rank() == 0 {
		err = find()
	}
	if err := c.Agree(err); err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if text, err = c.Broadcast(text); err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// Visible waits until this rank sees a file that rank 0 sees: file systems that
// several machines share may lag. Every rank must call it.
func (c *Cluster) Visible(path string) error {
	if path == "" || c.Size() == 1 {
		return nil
	}
	var exists bool
	err := c.ByFirst(&exists, func() error {
		_, err := os.Stat(path)
		exists = err == nil
		return nil
	})
	const patience = time.Minute
	for begin := time.Now(); err == nil && exists; time.Sleep(100 * time.Millisecond) {
		if _, failed := os.Stat(path); failed == nil {
			return nil
		} else if time.Since(begin) > patience {
			return fmt.Errorf("%s sees %s, and %s still does not after %s; do they share the folder? %w",
				c.Name(0), path, c.Name(c.Rank()), patience, failed)
		}
	}
	return err
}
