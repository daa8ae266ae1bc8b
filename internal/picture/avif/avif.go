// Package avif decodes AVIF by libavif and libaom, compiled to WebAssembly and
// run in a sandbox, without cgo. An encoded picture enters, red, green and blue
// over white leave. decode.wasm.gz is that of github.com/gen2brain/avif v0.4.4
// (MIT; libavif 1.1.1 and libaom 3.10, BSD), whose Go package would link system
// libraries if it could; NOTICE has the licences.
package avif

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

//go:embed decode.wasm.gz
var code []byte

// slowest is how long a picture may take; one that is meant to hang the
// decoder takes longer.
const slowest = time.Minute

// Decode returns the first picture of an AVIF, as its header says how large,
// without the turn that Header.Orientation asks for.
func Decode(data []byte) (h Header, rgb []uint8, err error) {
	if h, err = ReadHeader(data); err != nil {
		return h, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), slowest)
	defer cancel()
	m, err := sandboxFor(h)()
	if err != nil {
		return h, nil, err
	}
	mod, err := m.runtime.InstantiateModule(ctx, m.code, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return h, nil, fmt.Errorf("sandbox: %w", err)
	}
	defer mod.Close(ctx) //nolint:errcheck // its memory goes with it
	rgb, err = machine{ctx, mod}.decode(data, h)
	if ctx.Err() != nil {
		err = fmt.Errorf("takes more than %v", slowest)
	}
	return h, rgb, err
}

// sandbox is the compiled code with a bound on its memory.
type sandbox struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
}

// Most pictures need little; what claims to need little gets no more.
const small = 256 << 20

var (
	smallSandbox = sync.OnceValues(func() (sandbox, error) { return newSandbox(small) })
	largeSandbox = sync.OnceValues(func() (sandbox, error) { return newSandbox(4 << 30) })
)

func sandboxFor(h Header) func() (sandbox, error) {
	if h.Memory() <= small {
		return smallSandbox
	}
	return largeSandbox
}

func newSandbox(memory int64) (s sandbox, err error) {
	ctx := context.Background()
	const page = 1 << 16
	s.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithMemoryLimitPages(uint32(memory/page)).WithCloseOnContextDone(true))
	z, err := gzip.NewReader(bytes.NewReader(code))
	if err != nil {
		return s, err
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		return s, err
	}
	if s.code, err = s.runtime.CompileModule(ctx, plain); err != nil {
		return s, err
	}
	_, err = wasi_snapshot_preview1.Instantiate(ctx, s.runtime)
	return s, err
}

// machine is an instance of the code.
type machine struct {
	ctx context.Context
	mod api.Module
}

// decode runs the code's two functions: one that reads the sizes, and one that
// writes the picture.
func (m machine) decode(data []byte, h Header) ([]uint8, error) {
	in, err := m.alloc(len(data))
	if err != nil {
		return nil, err
	}
	if !m.mod.Memory().Write(in, data) {
		return nil, errMemory
	}
	sizes, err := m.alloc(16)
	if err != nil {
		return nil, err
	}
	run := func(configOnly uint64, delay, out uint32) error {
		r, err := m.mod.ExportedFunction("decode").Call(m.ctx, uint64(in), uint64(len(data)), configOnly, 0,
			uint64(sizes), uint64(sizes+4), uint64(sizes+8), uint64(sizes+12), uint64(delay), uint64(out))
		if err != nil {
			return fmt.Errorf("AVIF decoder: %w", err)
		}
		if r[0] == 0 {
			return errors.New("AVIF has no picture that can be decoded")
		}
		return nil
	}
	if err := run(1, 0, 0); err != nil {
		return nil, err
	}
	said, ok := m.mod.Memory().Read(sizes, 12)
	if !ok {
		return nil, errMemory
	}
	number := binary.LittleEndian.Uint32
	w, high, depth := number(said), number(said[4:]), number(said[8:])
	if int64(w) != int64(h.Width) || int64(high) != int64(h.Height) {
		return nil, fmt.Errorf("AVIF of %dx%d pixels has a header of %dx%d", w, high, h.Width, h.Height)
	}
	size := 1 // bytes a sample
	if depth > 8 {
		size = 2
	}
	delay, err := m.alloc(8)
	if err != nil {
		return nil, err
	}
	unwritten := []byte("unset...")
	if !m.mod.Memory().Write(delay, unwritten) {
		return nil, errMemory
	}
	n := 4 * size * h.Width * h.Height
	out, err := m.alloc(n)
	if err != nil {
		return nil, err
	}
	if err := run(0, delay, out); err != nil {
		return nil, err
	}
	// The code does not say that a frame is broken, but writes nothing then.
	if now, ok := m.mod.Memory().Read(delay, 8); !ok || bytes.Equal(now, unwritten) {
		return nil, errors.New("AVIF ends early or is damaged")
	}
	rgba, ok := m.mod.Memory().Read(out, uint32(n))
	if !ok {
		return nil, errMemory
	}
	rgb, alpha := straight(rgba, size)
	h.interpolate(rgb, alpha)
	overWhite(rgb, alpha)
	return rgb, nil
}

var errMemory = errors.New("AVIF takes more memory than its size allows")

// alloc returns memory of the instance, which goes when it goes.
func (m machine) alloc(n int) (uint32, error) {
	r, err := m.mod.ExportedFunction("malloc").Call(m.ctx, uint64(n))
	if err != nil {
		return 0, fmt.Errorf("AVIF decoder: %w", err)
	}
	if r[0] == 0 || r[0] > 1<<32-1 {
		return 0, errMemory
	}
	return uint32(r[0]), nil
}

// straight divides colours by the opacity that they are multiplied by. Of
// samples of two bytes the upper one counts. alpha is nil if all are opaque.
func straight(rgba []uint8, size int) (rgb, alpha []uint8) {
	at := func(i int) int { return int(rgba[size*(i+1)-1]) }
	pixels := len(rgba) / (4 * size)
	rgb, alpha = make([]uint8, 3*pixels), make([]uint8, pixels)
	clear := false
	for i := range pixels {
		a := at(4*i + 3)
		alpha[i] = uint8(a)
		clear = clear || a < 255
		for c := range 3 {
			v := at(4*i + c)
			if a > 0 && a < 255 {
				v = min(255, (255*v+a/2)/a)
			}
			rgb[3*i+c] = uint8(v)
		}
	}
	if !clear {
		alpha = nil
	}
	return rgb, alpha
}

// overWhite lays colours over white.
func overWhite(rgb, alpha []uint8) {
	for i, a := range alpha {
		for c := 3 * i; c < 3*i+3; c++ {
			rgb[c] = uint8((int(rgb[c])*int(a) + 255*(255-int(a)) + 127) / 255)
		}
	}
}
