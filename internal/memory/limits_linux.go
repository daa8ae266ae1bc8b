package memory

import (
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func limits() []Limit {
	all := append(cgroups(os.DirFS("/")), Limit{machine(), "this machine", "machine"})
	return append(all, ulimit()...)
}

func machine() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// cgroups returns the limits of the control groups that this process is in, of
// version 2 and 1, each group's and those of the groups it lies in. A container
// often sees its own group as the root while /proc names it as the machine
// does, so a path that is not there is looked for further up.
func cgroups(root fs.FS) (all []Limit) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		base, name := "", ""
		switch {
		case fields[0] == "0" && fields[1] == "":
			base, name = "sys/fs/cgroup", "memory.max"
		case strings.Contains(","+fields[1]+",", ",memory,"):
			base, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			file := path.Join(base, group, name)
			text, err := fs.ReadFile(root, file)
			if err == nil {
				all = append(all, Limit{number(text), "this process's cgroup", file})
			}
			if group == "/" {
				break
			}
		}
	}
	return all
}

// number is 0 for "max" and for the huge numbers by which version 1 says so.
func number(text []byte) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n > math.MaxInt64/4 {
		return 0
	}
	return n
}

// ulimit returns what `ulimit -v` and `ulimit -d` leave: the address space that
// the Go runtime has reserved without using it is not to be had.
func ulimit() (all []Limit) {
	const pages = 4096
	var reserved int64
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			reserved = pages * (number([]byte(fields[0])) - number([]byte(fields[1])))
		}
	}
	for resource, less := range map[int]int64{unix.RLIMIT_AS: reserved, unix.RLIMIT_DATA: 0} {
		var r unix.Rlimit
		if err := unix.Getrlimit(resource, &r); err == nil && r.Cur < math.MaxInt64/4 {
			all = append(all, Limit{Bytes: max(1, int64(r.Cur)-less), Of: "the limit set by ulimit"})
		}
	}
	return all
}
