// Runs an ONNX model in ONNX Runtime.
//   node ort_run.js MODEL.onnx IN.bin OUT.bin N LEVEL
// with its optimisations of that level, such as all or disabled.
// IN.bin contains N inputs as the model declares them; the output is written to
// OUT.bin as float32, and one JSON line to standard output: version, input, output.
const fs = require('fs');
const ort = require('onnxruntime-node');
const [model, inFile, outFile, n, graphOptimizationLevel] = process.argv.slice(2);

(async () => {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 2, graphOptimizationLevel });
  const [input, output] = [session.inputMetadata[0], session.outputMetadata[0]];
  const bytes = fs.readFileSync(inFile);
  const values = input.type === 'uint8' ? new Uint8Array(bytes) : new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const result = await session.run({ [input.name]: new ort.Tensor(input.type, values, [+n, ...input.shape.slice(1)]) });
  const logits = result[output.name];
  fs.writeFileSync(outFile, Buffer.from(logits.data.buffer, logits.data.byteOffset, logits.data.byteLength));
  console.log(JSON.stringify({ version: require('onnxruntime-node/package.json').version, input, output, dims: logits.dims }));
})().catch((err) => { console.error(String(err)); process.exit(1); });
