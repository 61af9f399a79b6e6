// SPDX-License-Identifier: Apache-2.0
// Compares two outputs [items, classes] stored as .npy.
//
// usage: node compare.js OURS.npy THEIRS.npy --relative LIMIT
//        node compare.js OURS.npy THEIRS.npy --top1 SHARE LABELS.npy POINTS
// --relative: the largest |a - b| over the largest |b| stays within LIMIT.
// --top1: at least SHARE of the items have the same best class, and accuracies differ by at most
// POINTS of a hundred.
const fs = require('fs');

function read(file) {
  const bytes = fs.readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((d) => d.trim())
      .map(Number);
  const type = /'descr': '([^']*)'/.exec(header)[1];
  const copy = new Uint8Array(bytes.subarray(start)).buffer;
  const values = type === '<f4' ? new Float32Array(copy) :
      type === '<i8' ? Array.from(new BigInt64Array(copy), Number) : new Uint8Array(copy);
  return {dims, values};
}

function best(array, row) {
  const width = array.values.length / array.dims[0];
  let at = 0;
  for (let i = 1; i < width; ++i) {
    if (array.values[row * width + i] > array.values[row * width + at]) at = i;
  }
  return at;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

const [ourFile, theirFile, mode, limit, labelFile, points] = process.argv.slice(2);
const ours = read(ourFile), theirs = read(theirFile);
if (ours.values.length !== theirs.values.length) {
  fail(`${ours.values.length} values, expected ${theirs.values.length}`);
}
if (mode === '--relative') {
  let worst = 0, largest = 0;
  for (let i = 0; i < ours.values.length; ++i) {
    worst = Math.max(worst, Math.abs(ours.values[i] - theirs.values[i]));
    largest = Math.max(largest, Math.abs(theirs.values[i]));
  }
  const error = worst / largest;
  if (!(error <= Number(limit))) fail(`relative error ${error.toExponential(2)}, at most ${limit}`);
  console.log(`relative error ${error.toExponential(2)}`);
} else {
  const labels = read(labelFile).values, items = ours.dims[0];
  let same = 0, right = 0, theirRight = 0;
  for (let row = 0; row < items; ++row) {
    const a = best(ours, row), b = best(theirs, row);
    same += a === b;
    right += a === labels[row];
    theirRight += b === labels[row];
  }
  const gap = Math.abs(right - theirRight) / items * 100;
  const told = `same class on ${(same / items * 100).toFixed(2)} % of ${items}, accuracy ` +
      `${(right / items * 100).toFixed(2)} here, ${(theirRight / items * 100).toFixed(2)} there`;
  if (same / items < Number(limit) || gap > Number(points)) fail(told);
  console.log(told);
}
