package main

import (
	"context"
	"fmt"

	"github.com/inception-go/inception/internal/console"
)

// pictureCount counts the pictures of a call, behind a progress bar, and says which of
// them cannot be read.
type pictureCount struct {
	*session
	bar                 *console.Bar
	done, total, unread int
}

// countPictures begins a count, with a bar unless they are fewer than few. lines says
// that the results are lines of text: on one terminal they and a bar would be in each
// other's way.
func (s *session) countPictures(total, few int, lines bool) *pictureCount {
	p := &pictureCount{session: s, total: total}
	if total >= few && !(lines && console.IsTerminal(s.stdout)) {
		p.bar = s.bar("", console.Images)
	}
	return p
}

// add counts a picture and warns of what is wrong with it. It reports whether it could
// be read.
func (p *pictureCount) add(err, damage error) bool {
	p.done++
	p.bar.Set(int64(p.done), int64(p.total))
	if err != nil {
		p.unread++
		p.bar.Clear()
		p.warn(err.Error())
		return false
	}
	if damage != nil {
		p.bar.Clear()
		p.warn(asFarAsItGoes(damage))
	}
	return true
}

// asFarAsItGoes says of an image what is wrong with it and that it is used.
func asFarAsItGoes(err error) string { return err.Error() + "; it is used as far as it goes" }

// missed returns an error if some pictures could not be read.
func (p *pictureCount) missed() error {
	if p.unread > 0 {
		return unreadError{p.unread, p.total}
	}
	return nil
}

// unreadError says that some pictures could not be read; all others have been
// dealt with.
type unreadError struct{ unread, total int }

func (e unreadError) Error() string {
	return fmt.Sprintf("%d of %d pictures could not be read", e.unread, e.total)
}

// causeOf returns the cause of the end of ctx in place of an error that comes of it.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
