//go:build !mpi || !(linux && (amd64 || arm64))

package cluster

import "fmt"

// Join returns the cluster of the processes that were started together; nil if
// this one is alone. It must be called once.
func Join() (*Cluster, error) {
	l := Launched()
	if l.Size == 1 {
		return nil, nil
	}
	return nil, fmt.Errorf("%s has started %d processes, but %w", l.By, l.Size, ErrAlone)
}

// Library describes the MPI library that Join would use.
func Library() (string, error) {
	return "", fmt.Errorf("this build works alone; make build-mpi builds the one for several machines")
}
