// SPDX-License-Identifier: Apache-2.0
// Runs a model in ONNX Runtime on the items of a .npy file and writes its first output as .npy;
// prints which operators its optimised graph really executed.
//
// usage: node onnxruntime.js MODEL.onnx INPUT.npy OUTPUT.npy
// ONNX Runtime is found in node_modules here or in the folder that NODE_PATH names.
const fs = require('fs');
const os = require('os');
const path = require('path');
const ort = require('onnxruntime-node');

const kBatch = 500;

function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const length = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + length);
  if (!header.includes("'<f4'") || header.includes("'fortran_order': True")) {
    throw new Error(`${file}: expected row-major f32, found ${header}`);
  }
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((d) => d.trim())
      .map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  const values = new Float32Array(count);
  Buffer.from(values.buffer).set(bytes.subarray(10 + length, 10 + length + 4 * count));
  return {dims, values};
}

function writeNpy(file, dims, values) {
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`;
  header += ' '.repeat(63 - (10 + header.length) % 64) + '\n';
  const start = Buffer.alloc(10);
  start.write('\x93NUMPY\x01\x00', 'latin1');
  start.writeUInt16LE(header.length, 8);
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  fs.writeFileSync(file, Buffer.concat([start, Buffer.from(header, 'latin1'), data]));
}

// How often each operator ran, from the profile of the session.
function operators(folder) {
  const counts = {};
  for (const file of fs.readdirSync(folder)) {
    for (const event of JSON.parse(fs.readFileSync(path.join(folder, file)))) {
      if (event.cat !== 'Node' || !event.name.endsWith('_kernel_time')) continue;
      counts[event.args.op_name] = (counts[event.args.op_name] || 0) + 1;
    }
  }
  return counts;
}

async function main([model, input, output]) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pare-profile-'));
  try {
    const session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: 1,
      enableProfiling: true,
      profileFilePrefix: path.join(folder, 'profile'),
    });
    const {dims, values} = readNpy(input);
    const item = values.length / dims[0];
    const parts = [];
    let width = 0;
    for (let at = 0; at < dims[0]; at += kBatch) {
      const count = Math.min(kBatch, dims[0] - at);
      const x = new ort.Tensor('float32', values.slice(at * item, (at + count) * item),
                               [count, ...dims.slice(1)]);
      const results = await session.run({[session.inputNames[0]]: x});
      const y = results[session.outputNames[0]];
      width = y.data.length / count;
      parts.push(Buffer.from(new Uint8Array(y.data.buffer, y.data.byteOffset, y.data.byteLength)));
    }
    session.endProfiling();
    await session.release();
    const all = Buffer.concat(parts);
    writeNpy(output, [dims[0], width],
             new Float32Array(all.buffer, all.byteOffset, all.length / 4));
    const counts = operators(folder);
    console.log(Object.keys(counts).sort().map((op) => `${op} ${counts[op]}`).join(', '));
  } finally {
    fs.rmSync(folder, {recursive: true});
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(String(error.message || error));
  process.exit(1);
});
