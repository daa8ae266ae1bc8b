package report

// Setting is a key of a configuration with its value in each of several.
type Setting struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
}
