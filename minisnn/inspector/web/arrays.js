// The stored arrays. This page selects from them and draws: it adds no weight and leaks no membrane (see page.py).

const $ = id => document.getElementById(id);
const meta = JSON.parse($("meta").textContent);
const {layers, steps, cycles} = meta;
const TYPES = {u1: Uint8Array, i1: Int8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array};

// Arrays of a layer: what it does in each cycle, and everything about its neurons and their sums.
const CYCLE_ARRAYS = ["phase", "step", "handed", "adding", "tap", "weight_word", "membrane_word", "firing_word",
                      "written_word"];
const NEURON_ARRAYS = ["mem", "mem_unit", "kept", "mem_float", "cur_float", "spk_float", "turn_cycle", "known_cycle",
                       "cur", "slot", "column", "start", "address", "tap", "row", "cycle", "sums", "w", "shifted",
                       "bias", "group"];
const PIXEL_ARRAYS = ["adds", "value"];  // only of a layer that takes pixels

const parsed = new Promise(resolve => document.readyState === "loading"
  ? document.addEventListener("DOMContentLoaded", resolve) : resolve());
const promises = new Map(), arrays = {};

function load(name) {
  if (!promises.has(name)) promises.set(name, decode(name).then(array => arrays[name] = array));
  return promises.get(name);
}

async function decode(name) {
  if (!$("array-" + name)) await parsed;
  const planes = await inflated($("array-" + name));
  const type = TYPES[meta.arrays[name].type], size = type.BYTES_PER_ELEMENT, count = planes.length / size;
  if (size === 1) return new type(planes.buffer);
  const bytes = new Uint8Array(planes.length);  // the planes of first bytes, of second bytes, ... side by side
  for (let b = 0; b < size; b++)
    for (let i = 0, from = b * count; i < count; i++) bytes[i * size + b] = planes[from + i];
  return new type(bytes.buffer);
}

async function inflated(node) {
  const text = atob(node.textContent), packed = new Uint8Array(text.length);
  for (let i = 0; i < packed.length; i++) packed[i] = text.charCodeAt(i);
  node.textContent = "";
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const get = (layer, name) => arrays[`${layer}.${name}`];
const width = (layer, name) => meta.arrays[`${layer}.${name}`].shape.at(-1);
const loaded = names => names.every(name => name in arrays);

function neuronArrays(layer) {
  return [...NEURON_ARRAYS, ...(layers[layer].constant ? PIXEL_ARRAYS : [])].map(name => `${layer}.${name}`);
}

function cycleArrays(layer) {
  return CYCLE_ARRAYS.map(name => `${layer}.at.${name}`);
}

// Spikes, stored as bits

function bit(name, step, index) {
  return arrays[name][step * meta.arrays[name].shape.at(-1) + (index >> 3)] >> (index & 7) & 1;
}

const spikes = (layer, step, neuron) => bit(`${layer}.spk`, step, neuron);
const dropped = (layer, step) => layers[layer].dropped[step];
const floatSpikes = (layer, step, neuron) => bit(`${layer}.spk_float`, step, neuron);
const lists = new Map();

// Indices of the bits that are set at a step, of `name` with `neurons` bits.
function spikesAt(name, step, neurons) {
  const key = `${name} ${step}`;
  if (!lists.has(key)) {
    const list = [];
    for (let n = 0; n < neurons; n++) if (bit(name, step, n)) list.push(n);
    lists.set(key, list);
  }
  return lists.get(key);
}

// The stored additions to a neuron at a step: {first, last, column}; null if they were left out.
function additionsOf(layer, neuron, step) {
  const channels = layers[layer].shape[2], pixel = Math.floor(neuron / channels);
  const slot = get(layer, "slot")[pixel], column = get(layer, "column")[neuron % channels];
  if (slot < 0 || column < 0) return null;
  const at = (layers[layer].constant ? 0 : step) * width(layer, "start") + slot;
  return {first: get(layer, "start")[at], last: get(layer, "start")[at + 1], column};
}

// The neurons of the layer before that are pooled into an input; in the first layer, the input itself.
function sourcesOf(layer, address) {
  if (layer === 0) return [address];
  const {shape: [high, wide, channels], pool} = layers[layer - 1];
  const [row, column, channel] = place([Math.floor(high / pool), Math.floor(wide / pool), channels], address);
  const neurons = [];
  for (let y = row * pool; y < (row + 1) * pool; y++)
    for (let x = column * pool; x < (column + 1) * pool; x++) neurons.push((y * wide + x) * channels + channel);
  return neurons;
}
