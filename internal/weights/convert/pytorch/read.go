// Package pytorch reads and writes PyTorch's .pth files without Python and
// without executing what is in them: the zip archives of PyTorch 1.6 and
// later, and the chains of pickles before.
package pytorch

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/inception-go/inception/internal/weights/container"
)

// Read returns what a .pth file holds. The tensors alias file.
func Read(file []byte) (*Contents, error) {
	if !bytes.HasPrefix(file, []byte(container.ZipSignature)) {
		root, err := readLegacy(file)
		if err != nil {
			return nil, err
		}
		return contents(root)
	}
	root, about, err := readZip(file)
	if err != nil {
		return nil, err
	}
	c, err := contents(root)
	if c != nil {
		c.About = about
	}
	return c, err
}

// readZip reads data.pkl of an archive, and what Write put beside it. The storages are
// entries that stand uncompressed in the file, so nothing can unpack to more than the
// file has.
func readZip(file []byte) (found any, about []byte, err error) {
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, nil, fmt.Errorf("zip archive: %w (a download that was cut off?)", err)
	}
	entries := map[string]*zip.File{}
	root := ""
	for _, f := range archive.File {
		entries[f.Name] = f
		if folder, ok := strings.CutSuffix(f.Name, "data.pkl"); ok && strings.Count(f.Name, "/") <= 1 {
			root = folder
		}
	}
	pickle := entries[root+"data.pkl"]
	switch {
	case pickle == nil:
		return nil, nil, errors.New("zip archive: has no data.pkl, so torch.save did not write it")
	case entries[root+"constants.pkl"] != nil:
		return nil, nil, errors.New("is a TorchScript archive; in Python, save " +
			"torch.save(torch.jit.load(FILE).state_dict(), ...) and import that")
	}
	if b := entries[root+"byteorder"]; b != nil {
		if order, err := container.Stored(file, b); err != nil || string(order) != "little" {
			return nil, nil, fmt.Errorf("zip archive: byte order %q is not little", order)
		}
	}
	program, err := container.Stored(file, pickle)
	if err != nil {
		return nil, nil, err
	}
	if entry := entries[root+aboutEntry]; entry != nil {
		if about, err = container.Stored(file, entry); err != nil {
			return nil, nil, err
		}
	}
	u := &unpickler{in: bytes.NewReader(program), call: (&caller{pairs: len(program)}).call}
	storages := map[string]*storage{}
	u.persistent = func(id any) (any, error) {
		return newStorage(storages, id, func(s *storage) error {
			entry := entries[root+"data/"+s.key]
			if entry == nil {
				return fmt.Errorf("storage %q is not in the archive", s.key)
			}
			if want := uint64(s.count) * uint64(s.size); entry.UncompressedSize64 < want {
				return fmt.Errorf("storage %q has %d bytes, needs %d", s.key, entry.UncompressedSize64, want)
			}
			s.data = sync.OnceValues(func() ([]byte, error) { return container.Stored(file, entry) })
			return nil
		})
	}
	found, err = u.load()
	return found, about, err
}

// newStorage reads a persistent id, ("storage", class, key, location, count,
// ...), once a key; bind gives the storage its data or checks that it has.
func newStorage(known map[string]*storage, id any, bind func(*storage) error) (any, error) {
	parts, ok := id.(tuple)
	if !ok || len(parts) < 5 || parts[0] != "storage" {
		return nil, errors.New("has a persistent id that is not a storage")
	}
	c, ok1 := parts[1].(class)
	key, ok2 := parts[2].(string)
	count, ok3 := parts[4].(int64)
	if !ok1 || !ok2 || !ok3 || count < 0 || count > 1<<50 {
		return nil, errors.New("has a storage without type, key or count")
	}
	kind := storageTypes[c.name]
	size := cmp.Or(kind.Size(), otherStorages[c.name])
	if size == 0 {
		return nil, fmt.Errorf("has a storage of the class %s, which is not known here", c.shown())
	}
	if s := known[key]; s != nil {
		if s.class != c.name || s.count != count {
			return nil, fmt.Errorf("describes storage %q twice, differently", key)
		}
		return s, nil
	}
	s := &storage{class: c.name, kind: kind, size: size, key: key, count: count}
	if err := bind(s); err != nil {
		return nil, err
	}
	known[key] = s
	return s, nil
}

// readLegacy reads the chain of pickles: magic, version, system, object, keys
// of storages; then the storages, each after its count.
func readLegacy(file []byte) (any, error) {
	in := bytes.NewReader(file)
	u := &unpickler{in: in, call: (&caller{pairs: len(file)}).call, persistent: func(any) (any, error) {
		return nil, errors.New("has a storage before its object")
	}}
	magic, err := u.load()
	if err != nil {
		return nil, err
	}
	if magic != long(container.PickleMagic) {
		return nil, errors.New("is not a PyTorch file: its first pickle is not torch.save's magic number")
	}
	for range 2 { // protocol version, system information
		if _, err := u.load(); err != nil {
			return nil, err
		}
	}
	storages := map[string]*storage{}
	u.persistent = func(id any) (any, error) {
		if parts, ok := id.(tuple); ok && len(parts) > 5 && parts[5] != nil {
			return nil, errors.New("has a view of a storage, as PyTorch 0.1 wrote it; load and save the file with a newer " +
				"PyTorch")
		}
		return newStorage(storages, id, func(s *storage) error {
			if uint64(s.count) > uint64(len(file))/uint64(s.size) {
				return fmt.Errorf("storage %q claims %d elements in a file of %d bytes", s.key, s.count, len(file))
			}
			s.data = func() ([]byte, error) { return nil, fmt.Errorf("storage %q is not in the file", s.key) }
			return nil
		})
	}
	root, err := u.load()
	if err != nil {
		return nil, err
	}
	keys, err := u.load()
	if err != nil {
		return nil, err
	}
	return root, bindLegacy(file[len(file)-in.Len():], keys, storages)
}

// bindLegacy gives storages their data, which follows in the order of keys.
func bindLegacy(rest []byte, keys any, storages map[string]*storage) error {
	order, ok := keys.(*list)
	if !ok {
		return errors.New("has no list of storages")
	}
	for _, key := range order.items {
		name, _ := key.(string)
		s := storages[name]
		if s == nil {
			return fmt.Errorf("lists storage %s, which no tensor uses", describe(key))
		}
		if len(rest) < 8 {
			return fmt.Errorf("ends before storage %q: the file is truncated", name)
		}
		count, size := binary.LittleEndian.Uint64(rest), uint64(s.size)
		rest = rest[8:]
		if count != uint64(s.count) || count > uint64(len(rest))/size {
			return fmt.Errorf("storage %q has %d elements of %s, %d bytes are left: the file is truncated or damaged",
				name, count, s.class, len(rest))
		}
		data := rest[:count*size]
		rest = rest[count*size:]
		s.data = func() ([]byte, error) { return data, nil }
	}
	return nil
}
