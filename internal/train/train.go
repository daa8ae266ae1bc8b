// Package train fits a network to images. Settings and data enter, a run
// folder leaves: weights, metrics, a report, and a checkpoint from which a
// stopped run goes on, bit for bit as if it had never stopped.
//
// Run is the way in; its loop is in run.go and reads from top to bottom.
package train
