package dataset

import "strings"

var oneLine = strings.NewReplacer("\n", `\u000a`, "\t", `\u0009`)

// OneLine returns the name of a file or class as lines of messages show it: line
// breaks and tabs in it are written out, so that it cannot look like another
// line. What else a terminal would obey is written out where text leaves.
func OneLine(name string) string { return oneLine.Replace(name) }
