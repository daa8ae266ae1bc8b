//go:build !windows

package console

import "os"

// obeysCodes: all other terminals do.
func obeysCodes(*os.File) bool { return true }
