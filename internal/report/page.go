package report

import (
	_ "embed"
	"html/template"
)

// Fact is a line at the head of a page: a name and what it is.
type Fact [2]string

// Card is a figure in a page's first screen.
type Card struct {
	Name, Value, Note string
	Main              bool // what one looks for first
}

//go:embed page.html
var pageLayout string

//go:embed found.html
var foundSection string

// Page returns the template of a page that needs no other file: the layout and
// style of all pages around a body. Both show the fields of what is executed,
// the layout its Title. The body may call percent, share, facts with a list of Facts,
// cards with a list of Cards, and found with what an evaluation found. Charts of
// figure.Chart take their colours from the style, which knows light and dark.
func Page(body string) *template.Template {
	page := template.New("page").Funcs(template.FuncMap{
		"percent": percent,
		"share": func(v float64, of int) string { // of so many; of none it is undefined
			if of == 0 {
				return "-"
			}
			return percent(v)
		},
	})
	template.Must(page.Parse(pageLayout))
	template.Must(page.Parse(foundSection))
	template.Must(page.New("body").Parse(body))
	return page
}
