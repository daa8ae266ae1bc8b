//go:build mpi && linux && (amd64 || arm64)

package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ebitengine/purego"
)

// library is an open MPI library: its functions, and the constants in which the
// ABIs differ.
type library struct {
	abi
	path string

	initThread     func(argc, argv uintptr, required int32, provided *int32) int32
	commRank       func(comm uintptr, rank *int32) int32
	commSize       func(comm uintptr, size *int32) int32
	libraryVersion func(text *byte, length *int32) int32
	isendBytes     func(memory *byte, count int32, kind uintptr, to, tag int32, comm uintptr, handle *uintptr) int32
	isendFloats    func(memory *float32, count int32, kind uintptr, to, tag int32, comm uintptr, handle *uintptr) int32
	irecvBytes     func(memory *byte, count int32, kind uintptr, from, tag int32, comm uintptr, handle *uintptr) int32
	irecvFloats    func(memory *float32, count int32, kind uintptr, from, tag int32, comm uintptr, handle *uintptr) int32
	test           func(handle *uintptr, done *int32, status uintptr) int32
	abortAll       func(comm uintptr, status int32) int32
	finalize       func() int32
	exit           func(status int32) // of the C library
}

// abi holds the constants that a program of C gets from mpi.h.
type abi struct {
	about        string
	world, bytes uintptr // MPI_COMM_WORLD, MPI_BYTE
	ignore       uintptr // MPI_STATUS_IGNORE
	serialized   int32   // MPI_THREAD_SERIALIZED
}

// The ABIs without addresses. Handles are pointers in the standard one (MPI 5.0,
// section 20.3 and mpi_abi.h), whole numbers in MPICH's.
var (
	standardABI = abi{about: "standard ABI", world: 0x101, bytes: 0x247, serialized: 2048}
	mpichABI    = abi{about: "MPICH's ABI", world: 0x44000000, bytes: 0x4c00010d, ignore: 1, serialized: 2}
)

// openLibrary loads a library and finds out which ABI it has.
func openLibrary(path string) (*library, error) {
	// Open MPI's plug-ins look for its symbols among the global ones.
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	lib := &library{path: path}
	for _, f := range []struct {
		to   any
		name string
	}{
		{&lib.initThread, "MPI_Init_thread"}, {&lib.commRank, "MPI_Comm_rank"}, {&lib.commSize, "MPI_Comm_size"},
		{&lib.libraryVersion, "MPI_Get_library_version"}, {&lib.isendBytes, "MPI_Isend"}, {&lib.isendFloats, "MPI_Isend"},
		{&lib.irecvBytes, "MPI_Irecv"}, {&lib.irecvFloats, "MPI_Irecv"}, {&lib.test, "MPI_Test"},
		{&lib.abortAll, "MPI_Abort"}, {&lib.finalize, "MPI_Finalize"},
	} {
		address, err := purego.Dlsym(handle, f.name)
		if err != nil {
			return nil, fmt.Errorf("%s: is not an MPI library: %w", path, err)
		}
		purego.RegisterFunc(f.to, address)
	}
	exit, err := purego.Dlsym(purego.RTLD_DEFAULT, "exit")
	if err != nil {
		return nil, fmt.Errorf("the C library: %w", err)
	}
	purego.RegisterFunc(&lib.exit, exit)
	lib.abi, err = abiOf(handle)
	if err != nil {
		return nil, fmt.Errorf("%s (%s): %w", path, lib.version(), err)
	}
	return lib, nil
}

// abiOf tells the ABIs apart: a library of the standard one says so by a function
// that others lack or let return -1 (MPI 5.0, section 20.2), the rest by symbols
// that only one of them has.
func abiOf(handle uintptr) (abi, error) {
	symbol := func(name string) uintptr {
		address, err := purego.Dlsym(handle, name)
		if err != nil {
			return 0
		}
		return address
	}
	if address := symbol("MPI_Abi_get_version"); address != 0 {
		var version func(major, minor *int32) int32
		purego.RegisterFunc(&version, address)
		var major, minor int32
		if version(&major, &minor) == 0 && major >= 1 {
			return standardABI, nil
		}
	}
	switch world := symbol("ompi_mpi_comm_world"); {
	case world != 0:
		return abi{about: "Open MPI's ABI", world: world, bytes: symbol("ompi_mpi_byte"), serialized: 2}, nil
	case symbol("MPIR_Err_create_code") != 0:
		return mpichABI, nil
	}
	return abi{}, errors.New("has neither the standard ABI nor MPICH's nor Open MPI's")
}

// version returns the first line of what the library calls itself.
func (l *library) version() string {
	text := make([]byte, 8192) // MPI_MAX_LIBRARY_VERSION_STRING, at most
	var length int32
	if l.libraryVersion(&text[0], &length) != 0 {
		return "unknown version"
	}
	text = text[:min(len(text), max(0, int(length)))]
	line, _, _ := strings.Cut(string(bytes.TrimRight(text, "\x00")), "\n")
	return strings.Join(strings.Fields(line), " ")
}

func (l *library) start() error {
	var provided int32
	if code := l.initThread(0, 0, l.serialized, &provided); code != 0 {
		return fmt.Errorf("%s: MPI_Init_thread returns %d", l.path, code)
	}
	return nil
}

func (l *library) place() (rank, size int, err error) {
	var r, s int32
	if code := l.commRank(l.world, &r); code != 0 {
		return 0, 0, fmt.Errorf("%s: MPI_Comm_rank returns %d", l.path, code)
	}
	if code := l.commSize(l.world, &s); code != 0 {
		return 0, 0, fmt.Errorf("%s: MPI_Comm_size returns %d", l.path, code)
	}
	return int(r), int(s), nil
}

// isend begins to send a message and returns its handle.
func (l *library) isend(to, tag int, m message) (handle uintptr) {
	if m.floats != nil {
		l.isendFloats(first(m.floats), int32(4*len(m.floats)), l.bytes, int32(to), int32(tag), l.world, &handle)
	} else {
		l.isendBytes(first(m.bytes), int32(len(m.bytes)), l.bytes, int32(to), int32(tag), l.world, &handle)
	}
	return handle
}

// irecv begins to receive a message and returns its handle.
func (l *library) irecv(from, tag int, m message) (handle uintptr) {
	if m.floats != nil {
		l.irecvFloats(first(m.floats), int32(4*len(m.floats)), l.bytes, int32(from), int32(tag), l.world, &handle)
	} else {
		l.irecvBytes(first(m.bytes), int32(len(m.bytes)), l.bytes, int32(from), int32(tag), l.world, &handle)
	}
	return handle
}

// first returns where a slice lies, nil if it is empty.
func first[T any](values []T) *T {
	if len(values) == 0 {
		return nil
	}
	return &values[0]
}

// finish closes the messages that are done and returns the others.
func (l *library) finish(waiting []*pending) []*pending {
	return slices.DeleteFunc(waiting, func(p *pending) bool {
		var done int32
		l.test(&p.handle, &done, l.ignore)
		if done != 0 {
			close(p.done)
		}
		return done != 0
	})
}

// abort ends all processes.
func (l *library) abort(status int) { l.abortAll(l.world, int32(status)) }

// end leaves MPI and ends the process as programs of C do: MPICH tells its
// launcher that all is well only in a handler of exit, and the launcher kills the
// other processes of one that ends without it.
func (l *library) end(status int) error {
	if code := l.finalize(); code != 0 {
		return fmt.Errorf("%s: MPI_Finalize returns %d", l.path, code)
	}
	l.exit(int32(status))
	return nil
}
