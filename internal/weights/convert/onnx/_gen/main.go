// Command gen writes onnx.pb.go from onnx.proto: protoc and protoc-gen-go in
// one, without anything to install.
package main

import (
	"context"
	"log"
	"os"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const schema = "onnx.proto"

func main() {
	log.SetFlags(0)
	code, err := generate("..")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("../onnx.pb.go", code, 0o666); err != nil {
		log.Fatal(err)
	}
}

// generate compiles the schema in folder and returns the Go code for it.
func generate(folder string) ([]byte, error) {
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{folder}},
		SourceInfoMode: protocompile.SourceInfoStandard, // comments
	}
	files, err := compiler.Compile(context.Background(), schema)
	if err != nil {
		return nil, err
	}
	plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{schema},
		Parameter:      proto.String("M" + schema + "=github.com/inception-go/inception/internal/weights/convert/onnx"),
		ProtoFile:      []*descriptorpb.FileDescriptorProto{protoutil.ProtoFromFileDescriptor(files[0])},
	})
	if err != nil {
		return nil, err
	}
	return internal_gengo.GenerateFile(plugin, plugin.Files[0]).Content()
}
