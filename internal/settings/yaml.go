package settings

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// YAML writes the struct that c points to, every key with its meaning. Reading
// it gives the same values.
func YAML(c any) []byte {
	var b strings.Builder
	var open []string // the sections being written
	for _, l := range Leaves(c) {
		path := strings.Split(l.Key, ".")
		sections := path[:len(path)-1]
		same := 0
		for same < min(len(open), len(sections)) && open[same] == sections[same] {
			same++
		}
		for depth := same; depth < len(sections); depth++ {
			if depth == 0 && b.Len() > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s%s:\n", indent(depth), sections[depth])
		}
		open = sections
		in := indent(len(sections))
		fmt.Fprintf(&b, "%s# %s\n%s%s: %s\n", in, l.Help, in, path[len(path)-1], l.Text())
	}
	return []byte(b.String())
}

func indent(depth int) string { return strings.Repeat("  ", depth) }

// Text writes the value in YAML.
func (l Leaf) Text() string {
	switch v := l.Value.Interface().(type) {
	case Value:
		return v.Text()
	case float64:
		return number(v)
	case time.Duration:
		return v.String()
	case [2]float64:
		return fmt.Sprintf("[%s, %s]", number(v[0]), number(v[1]))
	case []int, [3]int:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case string:
		if !utf8.ValidString(v) {
			return "!!binary " + base64.StdEncoding.EncodeToString([]byte(v))
		}
		text, err := yaml.Marshal(v)
		if line := strings.TrimSpace(string(text)); err == nil && !strings.Contains(line, "\n") {
			return line
		}
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}

// number writes 4.0e-05, which every YAML reader reads as a number; some read
// 4e-05 as text.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if mantissa, exponent, ok := strings.Cut(s, "e"); ok && !strings.Contains(mantissa, ".") {
		return mantissa + ".0e" + exponent
	}
	return s
}
