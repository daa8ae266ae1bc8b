// Package convert is the room of other tools' weight files. A file of PyTorch,
// timm, Keras or TensorFlow's slim enters Import and leaves as model.Weights
// with their weights.Metadata; these enter Export and leave as a file of
// PyTorch, Keras or ONNX. Official names the files that torchvision publishes.
//
// A file's container is read by the packages beneath this one, into tensors
// under the names and in the layout of the tool. What a family calls its
// layers is in import_FAMILY.go, and in a table of its own for each network
// that is not called as torchvision calls it (keras_order.go, slim_v2.go,
// slim_v3.go).
package convert
