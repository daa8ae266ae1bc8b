// Package weights is the room of the house's weight files. A file or a run
// folder enters and leaves as model.Weights with the Metadata that makes it
// usable alone.
//
// The format is safetensors with torchvision's key names; Load and Save read
// and write it, ReadTensors and WriteTensors do so for any tensors, such as a
// checkpoint's. Package convert, above, translates to and from the files of
// other tools; it hands their tensors to Guess and Assemble under our names.
//
// Every reader takes its file for hostile: sizes that a file claims are
// checked against the file's own size before memory is taken, and nothing in
// a file is ever executed.
package weights
