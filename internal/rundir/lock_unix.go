//go:build unix && !solaris && !aix

package rundir

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the lock of the file at path. It ends with the process, however
// that ends, so a crash leaves nothing to clean up.
func lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errLocked
	} else if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOLCK) {
		err = nil // some network file systems have no locks; the run matters more
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
