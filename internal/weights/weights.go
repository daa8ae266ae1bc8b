// Package weights is the room of weight files. A file or a run folder enters
// and leaves as model.Weights with the Metadata that makes it usable alone.
//
// The house format is safetensors with torchvision's key names; Load and Save
// read and write it, ReadTensors and WriteTensors do so for any tensors, such
// as a checkpoint's. Import and Export translate to and from the formats of
// PyTorch, Keras, TF-slim and ONNX, whose containers are read by the packages
// beneath this one.
//
// Every reader takes its file for hostile: sizes that a file claims are
// checked against the file's own size before memory is taken, and nothing in
// a file is ever executed.
package weights
