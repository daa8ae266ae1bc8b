package console

import (
	"os"

	"golang.org/x/sys/windows"
)

// obeysCodes makes a console obey ANSI's codes, as those before Windows
// Terminal do only on demand.
func obeysCodes(f *os.File) bool {
	handle := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
