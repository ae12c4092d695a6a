"use strict";
(() => {
// This script selects from stored arrays and draws. It adds no weight and leaks no membrane: see minisnn/inspector.py.
const $ = id => document.getElementById(id);
const meta = JSON.parse($("meta").textContent);
const {layers, steps, latency} = meta;
const TYPES = {u1: Uint8Array, i1: Int8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array};
const ACCENT = "#0b57a4", PALE = "#a9c8e6", TILE = "#f0f3f6", INK = "#1c1c1c", DIM = "#5c6166", GREY = "#8a9199";
const LINE = "#dfe3e7";
const state = {...meta.opening, cycle: 0, follows: false, from: 0, to: latency};

// Arrays

const parsed = new Promise(resolve => document.readyState === "loading"
  ? document.addEventListener("DOMContentLoaded", resolve) : resolve());
const promises = new Map(), arrays = {};

function load(name) {
  if (!promises.has(name)) promises.set(name, decode(name).then(array => arrays[name] = array));
  return promises.get(name);
}

async function decode(name) {
  if (!$("array-" + name)) await parsed;
  const node = $("array-" + name), text = atob(node.textContent), packed = new Uint8Array(text.length);
  for (let i = 0; i < packed.length; i++) packed[i] = text.charCodeAt(i);
  node.textContent = "";
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const type = TYPES[meta.arrays[name].type], size = type.BYTES_PER_ELEMENT, count = planes.length / size;
  if (size === 1) return new type(planes.buffer);
  const bytes = new Uint8Array(planes.length);
  for (let b = 0; b < size; b++)
    for (let i = 0, from = b * count; i < count; i++) bytes[i * size + b] = planes[from + i];
  return new type(bytes.buffer);
}

const AT = ["phase", "step", "handed", "adding", "tap", "weight_word", "sum_word", "firing", "word_out"];
const OF_NEURON = ["mem", "mem_unit", "kept", "mem_float", "cur_float", "spk_float", "fired", "out", "cur", "slot",
                   "column", "start", "address", "tap", "row", "cycle", "sums", "w", "shifted", "bias", "group"];
const ofNeuron = l => OF_NEURON.concat(layers[l].constant ? ["adds", "value"] : []).map(name => `${l}.${name}`);
const here = names => names.every(name => name in arrays);
const get = (l, name) => arrays[`${l}.${name}`];
const width = name => meta.arrays[name].shape.at(-1);

function bit(name, step, index) {
  return arrays[name][step * width(name) + (index >> 3)] >> (index & 7) & 1;
}

const lists = new Map();

// The bits that are set in a step.
function spikesOf(name, step, neurons) {
  const key = `${name} ${step}`;
  if (!lists.has(key)) {
    const found = [];
    for (let n = 0; n < neurons; n++) if (bit(name, step, n)) found.push(n);
    lists.set(key, found);
  }
  return lists.get(key);
}

// Names of things

const count = n => Number.isInteger(n) ? (n < 0 ? "\u2212" : "") + Math.abs(n).toLocaleString("en-US") : "";
const signed = n => (n < 0 ? "\u2212 " : "+ ") + Math.abs(n).toLocaleString("en-US");
const decimal = x => (x < 0 ? "\u2212" : "") + Math.abs(x).toFixed(4);
const exact = (x, digits = 6) => x === 0 ? "0" : x.toExponential(digits).replace(/-/g, "\u2212");
const dash = n => n < 0 ? "\u2013" : count(n);
const size = shape => shape[0] * shape[1] * shape[2];

function place([, across, channels], index) {
  const pixel = Math.floor(index / channels);
  return [Math.floor(pixel / across), pixel % across, index % channels];
}

function placed(shape, index) {
  const [row, column, channel] = place(shape, index);
  return spread(shape) ? `row ${row}, column ${column}, channel ${channel}` : "";
}

const spread = shape => shape[0] * shape[1] > 1;
const short = (shape, index) => index < 0 ? "\u2013" : spread(shape) ? place(shape, index).join(", ") : count(index);

function el(tag, about = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(about))
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function svg(tag, about = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(about))
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function head(names) {
  return el("thead", {}, el("tr", {}, ...names.map(name => el("th", {scope: "col"}, name))));
}

function sharp(canvas, wide, high) {
  const ratio = window.devicePixelRatio || 1, w = Math.round(wide * ratio), h = Math.round(high * ratio);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w; canvas.height = h;
    canvas.style.width = wide + "px"; canvas.style.height = high + "px";
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, wide, high);
  return context;
}

// What is chosen

let waiting = false;
const drawn = {};

function change(what) {
  Object.assign(state, what);
  if (!waiting) {
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }
}

const setStep = step => change({step: Math.max(0, Math.min(steps - 1, step))});

function setCycle(cycle) {
  cycle = Math.max(0, Math.min(latency - 1, Math.round(cycle)));
  const span = state.to - state.from;
  const moved = cycle < state.from || cycle >= state.to ? within(cycle - span / 2, span) : {};
  change({cycle, ...moved});
}

function setNeuron(layer, neuron) {
  change({layer, neuron: Math.max(0, Math.min(size(layers[layer].shape) - 1, neuron))});
}

function within(from, span) {
  span = Math.max(Math.min(20, latency), Math.min(latency, span));
  from = Math.max(0, Math.min(latency - span, from));
  return {from, to: from + span};
}

function zoom(factor, around = null) {
  const span = state.to - state.from;
  const centre = around ?? (state.cycle >= state.from && state.cycle < state.to ? state.cycle : state.from + span / 2);
  change(within(centre - (centre - state.from) * factor, span * factor));
}

function draw() {
  const {layer, neuron, step, cycle, follows, from, to} = state, loaded = Object.keys(arrays).length;
  const ready = here(ofNeuron(layer)), chosen = [layer, neuron, step, ready, innerWidth];
  const parts = [[drawBar, [step, cycle]], [drawMaps, [...chosen, follows, follows && cycle, loaded]],
                 [drawStates, [cycle, loaded]], [drawGantt, [cycle, from, to, innerWidth, loaded]],
                 [drawCycle, [cycle, loaded]], [drawNeuron, chosen], [markCycle, [...chosen, cycle]]];
  for (const [part, about] of parts) {
    const key = about.join();
    if (drawn[part.name] !== key) {
      part();
      drawn[part.name] = key;
    }
  }
}

function drawBar() {
  $("step").value = state.step;
  $("step-number").textContent = `${state.step} of ${steps - 1}`;
  $("cycle").value = state.cycle;
  if (document.activeElement !== $("cycle-number")) $("cycle-number").value = state.cycle;
  $("step").setAttribute("aria-valuetext", `step ${state.step}`);
  $("cycle").setAttribute("aria-valuetext", `cycle ${state.cycle}`);
}

// The image and the maps

function drawPicture() {
  const [high, wide, channels] = meta.arrays.image.shape, values = arrays.image, canvas = $("picture");
  canvas.width = wide; canvas.height = high;
  const context = canvas.getContext("2d"), data = context.createImageData(wide, high);
  for (let i = 0; i < wide * high; i++) {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = values[i * channels + (channels === 3 ? c : 0)];
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
  canvas.style.height = high === 1 ? "16px" : "auto";
}

const maps = [];  // a card for each layer; the input's, where it is spikes, is the first

function makeCard(about, index) {
  const title = el("h3", {}, about.title);
  const canvas = el("canvas", {tabindex: 0, role: "img"});
  const told = el("p", {class: "told"}), now = el("p", {class: "state"}), over = el("p", {class: "over"}, "\u00a0");
  const card = el("div", {class: "layer", id: `layer-${index}`}, title, canvas, told, now, over);
  const map = {...about, index, canvas, told, now, over, card};
  canvas.setAttribute("aria-label", `${about.title}: map of spikes. Arrows choose a neuron.`);
  canvas.addEventListener("mousemove", event => {
    const found = hit(map, event);
    over.textContent = found < 0 ? "\u00a0" : `${index < 0 ? "input" : "neuron"} ${found} ${placed(map.shape, found)}`;
  });
  canvas.addEventListener("mouseleave", () => over.textContent = "\u00a0");
  if (index >= 0) {
    canvas.addEventListener("click", event => {
      const found = hit(map, event);
      if (found >= 0) setNeuron(index, found);
    });
    canvas.addEventListener("keydown", event => walk(map, event));
  }
  $("layers").append(card);
  return map;
}

function walk(map, event) {
  const [high, wide, channels] = map.shape, flat = high * wide === 1;
  if (["Enter", " "].includes(event.key) && state.layer !== map.index) setNeuron(map.index, 0);
  const by = {ArrowLeft: flat ? -1 : -channels, ArrowRight: flat ? 1 : channels,
              ArrowUp: flat ? -map.across : -channels * wide, ArrowDown: flat ? map.across : channels * wide,
              PageUp: -1, PageDown: 1}[event.key];
  if (by === undefined && event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  if (by === undefined) return;
  if (state.layer !== map.index) setNeuron(map.index, 0);
  else if (state.neuron + by >= 0 && state.neuron + by < size(map.shape)) setNeuron(map.index, state.neuron + by);
}

// Sizes of the maps: on a wide page all in one line if squares of a pixel or two allow it.
function arrange() {
  const phone = innerWidth <= 600, room = $("layers").clientWidth;
  const lay = map => {
    const [high, wide, channels] = map.shape;
    map.down = Math.ceil(channels / map.across);
    map.width = map.across * (map.cell * wide + map.gap) - map.gap;
    map.height = map.down * (map.cell * high + map.gap) - map.gap;
    return map;
  };
  for (const map of maps) {
    const [high, wide, channels] = map.shape, flat = !spread(map.shape);
    const most = phone ? room - 8 : Math.min(room - 8, 520);
    map.gap = flat ? 2 : 3;
    map.across = flat ? Math.min(channels, channels <= 20 ? 5 : 16) : Math.min(channels, phone && wide > 20 ? 4 : 8);
    if (!flat && channels < 8 && channels > 2) map.across = Math.ceil(channels / 2);
    map.cell = flat ? 16 : 12;
    while (map.cell > 1 && (lay(map).width > most || map.height > (phone ? 560 : 290))) map.cell--;
    lay(map);
  }
  const all = () => maps.reduce((sum, map) => sum + Math.max(map.width, 90) + 28, -22);
  while (!phone && all() > room) {
    const down = (least, flat) => map => map.cell > least && spread(map.shape) !== flat;
    const widest = [down(9, true), down(2, false), down(5, true)].map(may =>
      maps.filter(may).sort((a, b) => b.cell - a.cell)[0]).find(map => map);
    if (!widest) break;
    widest.cell--;
    lay(widest);
  }
  for (const map of maps) map.card.style.width = Math.max(map.width + 6, 90) + "px";
}

function corner(map, index) {
  const [row, column, channel] = place(map.shape, index), {cell, gap, across} = map;
  return [channel % across * (map.shape[1] * cell + gap) + column * cell,
          Math.floor(channel / across) * (map.shape[0] * cell + gap) + row * cell];
}

function hit(map, event) {
  const box = map.canvas.getBoundingClientRect(), [high, wide, channels] = map.shape;
  const x = event.clientX - box.left - 3, y = event.clientY - box.top - 3;
  const tileX = map.cell * wide + map.gap, tileY = map.cell * high + map.gap;
  const tx = Math.floor(x / tileX), ty = Math.floor(y / tileY);
  const column = Math.floor((x - tx * tileX) / map.cell), row = Math.floor((y - ty * tileY) / map.cell);
  const channel = ty * map.across + tx;
  if (x < 0 || y < 0 || tx >= map.across || channel >= channels || column >= wide || row >= high) return -1;
  return (row * wide + column) * channels + channel;
}

function drawMaps() {
  arrange();
  const fed = sources();
  for (const map of maps) drawMap(map, fed);
}

function drawStates() {
  for (const {index, now} of maps) {
    if (index < 0 || !get(index, "at.phase") || !get(index, "at.step")) continue;
    const phase = meta.phases[get(index, "at.phase")[state.cycle]], step = get(index, "at.step")[state.cycle];
    now.textContent = step < 0 ? "idle" : `${phase}, step ${step}`;
    now.classList.toggle("stall", phase === "waits");
  }
}

// Neurons of the layer before whose spikes the chosen neuron takes in this step.
function sources() {
  const found = new Set(), about = layers[state.layer];
  if (about.constant || !here(ofNeuron(state.layer))) return found;
  const list = listed(state.layer, state.neuron, state.step);
  if (!list) return found;
  for (let i = list.first; i < list.last; i++)
    for (const source of window_(state.layer, get(state.layer, "address")[i]))
      if (state.layer === 0 || bit(`${state.layer - 1}.spk`, state.step, source)) found.add(source);
  return found;
}

// The neurons of the layer before that are pooled into an input.
function window_(layer, address) {
  if (layer === 0) return [address];
  const before = layers[layer - 1], [high, wide, channels] = before.shape, pool = before.pool;
  if (pool === 1) return [address];
  const [row, column, channel] = place([Math.floor(high / pool), Math.floor(wide / pool), channels], address);
  const found = [];
  for (let y = row * pool; y < (row + 1) * pool; y++)
    for (let x = column * pool; x < (column + 1) * pool; x++) found.push((y * wide + x) * channels + channel);
  return found;
}

function drawMap(map, fed) {
  const {index, cell, gap, shape, canvas} = map, [high, wide, channels] = shape;
  const context = sharp(canvas, map.width + 6, map.height + 6), neurons = size(shape);
  context.translate(3, 3);
  context.fillStyle = TILE;
  for (let c = 0; c < channels; c++) {
    const [x, y] = corner(map, c);
    context.fillRect(x, y, wide * cell, high * cell);
  }
  const side = cell > 3 && spread(shape) ? cell - 1 : cell;
  const squares = (some, colour) => {
    context.fillStyle = colour;
    for (const n of some) {
      const [x, y] = corner(map, n);
      context.fillRect(x, y, side, side);
    }
  };
  const spikes = step => spikesOf(index < 0 ? "input" : `${index}.spk`, step, neurons);
  let told = "";
  if (index < 0) {
    squares(spikes(state.step), ACCENT);
    told = `step ${state.step}`;
  } else if (!state.follows) {
    squares(spikes(state.step), ACCENT);
    const fires = layers[index].fires[state.step];
    told = `step ${state.step}: ${count(fires)} spike${fires === 1 ? "" : "s"}`;
  } else if (get(index, "at.step") && get(index, "out")) {
    const step = get(index, "at.step")[state.cycle], out = get(index, "out");
    if (step > 0) squares(spikes(step - 1).filter(n => out[step * neurons + n] > state.cycle), PALE);
    if (step >= 0) squares(spikes(step).filter(n => out[step * neurons + n] <= state.cycle), ACCENT);
    told = step < 0 ? "before its first step" : `at step ${step}, cycle ${count(state.cycle)}`;
  }
  const next = layers[index + 1];
  if (!state.follows && index === state.layer - 1) squares(fed, INK);
  if (state.follows && next && !next.constant && get(index + 1, "at.adding")) {
    const adding = get(index + 1, "at.adding")[state.cycle];
    if (adding >= 0) squares(window_(index + 1, adding), INK);
  }
  if (index === state.layer) {
    const [x, y] = corner(map, state.neuron);
    context.lineWidth = 2;
    context.strokeStyle = INK;
    context.strokeRect(x - 2, y - 2, side + 4, side + 4);
  }
  map.told.textContent = told;
}

// The Gantt chart

const ROW = 46, AXIS = 26;
let hatch = null;

function side() { return innerWidth <= 600 ? 22 : 108; }

function drawGantt() {
  const canvas = $("gantt"), wide = Math.max(canvas.parentElement.clientWidth, 240), high = ROW * layers.length + AXIS;
  const context = sharp(canvas, wide, high), left = side(), room = wide - left - 8, {from, to, cycle} = state;
  const x = at => left + (at - from) / (to - from) * room;
  hatch ??= (() => {
    const tile = document.createElement("canvas"); tile.width = tile.height = 8;
    const c = tile.getContext("2d"); c.fillStyle = "#fbe3e4"; c.fillRect(0, 0, 8, 8);
    c.strokeStyle = "#c62f3c"; c.lineWidth = 3;
    for (const d of [-8, 0, 8]) { c.beginPath(); c.moveTo(d - 1, 9); c.lineTo(d + 9, -1); c.stroke(); }
    return context.createPattern(tile, "repeat");
  })();
  context.font = `${innerWidth <= 600 ? 12 : 13}px system-ui, "DejaVu Sans", sans-serif`;
  context.textBaseline = "middle";
  const unit = [1, 2, 5].flatMap(m => [0, 1, 2, 3, 4, 5, 6, 7].map(e => m * 10 ** e)).sort((a, b) => a - b)
    .find(each => each / (to - from) * room > 90) ?? latency;
  context.textAlign = "center";
  for (let at = Math.ceil(from / unit) * unit; at < to; at += unit) {
    context.fillStyle = LINE; context.fillRect(x(at), 0, 1, high - AXIS);
    context.fillStyle = DIM;
    const middle = Math.min(Math.max(x(at), left + 6), wide - 24);
    if (x(at) > left - 2) context.fillText(count(at), middle, high - AXIS / 2 + 2);
  }
  const colours = {adds: ACCENT, fires: PALE, waits: hatch};
  layers.forEach((layer, l) => {
    const top = l * ROW + 4, middle = top + 11;
    context.fillStyle = INK; context.textAlign = "left";
    context.fillText(innerWidth <= 600 ? layer.name.split(" ")[0] : layer.name, 0, middle, left - 8);
    context.save();
    context.beginPath(); context.rect(left, 0, room, high); context.clip();
    context.strokeStyle = "#c9cfd5"; context.lineWidth = 2;
    context.beginPath(); context.moveTo(left, middle); context.lineTo(left + room, middle); context.stroke();
    for (const [first, last, p, step] of layer.segments) {
      const phase = meta.phases[p];
      if (last + 1 < from || first > to || phase === "idle") continue;
      const a = Math.max(x(first), left - 4), b = Math.min(x(last + 1), left + room + 4), w = Math.max(b - a, .75);
      context.fillStyle = colours[phase];
      context.fillRect(a, top, w, 22);
      if (w > (phase === "waits" ? 34 : 18)) {
        context.textAlign = "center";
        const text = String(step);
        if (phase === "waits") {
          context.fillStyle = "#fff"; context.fillRect((a + b) / 2 - 8, middle - 8, 16, 16);
        }
        context.fillStyle = phase === "adds" ? "#fff" : phase === "waits" ? "#a40e26" : INK;
        context.fillText(text, (a + b) / 2, middle);
      }
    }
    const handed = get(l, "at.handed"), adding = get(l, "at.adding");
    if (handed && adding && to - from <= 2.5 * room) {
      const w = room / (to - from) > 3 ? room / (to - from) - 1 : 1;
      for (const [marks, colour, y] of [[handed, DIM, top + 25], [adding, ACCENT, top + 31]]) {
        context.fillStyle = colour;
        for (let at = Math.floor(from); at < Math.min(to, latency); at++)
          if (marks[at] >= 0) context.fillRect(x(at), y, w, 4);
      }
    }
    context.restore();
  });
  if (cycle >= from && cycle < to) {
    const w = Math.max(room / (to - from), 1.5);
    context.fillStyle = "rgba(28, 28, 28, .85)";
    context.strokeStyle = INK;
    context.lineWidth = 1.5;
    if (w > 4) context.strokeRect(x(cycle), 1, w, high - AXIS - 2);
    else context.fillRect(x(cycle), 0, w, high - AXIS);
  }
}

function listenGantt() {
  const canvas = $("gantt");
  const cycleAt = event => {
    const box = canvas.getBoundingClientRect();
    return state.from + (event.clientX - box.left - side()) / (box.width - side() - 8) * (state.to - state.from);
  };
  let grip = null, dragged = false;
  canvas.addEventListener("pointerdown", event => { grip = {x: event.clientX, from: state.from}; dragged = false; });
  addEventListener("pointermove", event => {
    if (!grip) return;
    if (Math.abs(event.clientX - grip.x) > 4) dragged = true;
    const span = state.to - state.from, room = canvas.clientWidth - side() - 8;
    if (dragged) change(within(grip.from - (event.clientX - grip.x) / room * span, span));
  });
  addEventListener("pointerup", () => grip = null);
  addEventListener("pointercancel", () => grip = null);
  canvas.addEventListener("click", event => { if (!dragged) setCycle(Math.floor(cycleAt(event))); });
  canvas.addEventListener("wheel", event => {
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? .7 : 1 / .7, cycleAt(event));
  }, {passive: false});
  canvas.addEventListener("keydown", event => {
    const far = Math.max(1, Math.round((state.to - state.from) / 20));
    const by = {ArrowLeft: -1, ArrowRight: 1, PageUp: -far, PageDown: far, Home: -latency, End: latency}[event.key];
    if (by !== undefined) { event.preventDefault(); setCycle(state.cycle + by); }
    if ("+=-".includes(event.key)) { event.preventDefault(); zoom(event.key === "-" ? 2 : .5); }
  });
  $("zoom-in").addEventListener("click", () => zoom(.5));
  $("zoom-out").addEventListener("click", () => zoom(2));
  $("zoom-all").addEventListener("click", () => change({from: 0, to: latency}));
}

// A cycle

function drawCycle() {
  $("at-cycle").textContent = count(state.cycle);
  const all = layers.every((_, l) => here(AT.map(name => `${l}.at.${name}`)));
  $("at").setAttribute("aria-busy", !all);
  if (!all) return;
  const value = (l, name) => get(l, "at." + name)[state.cycle];
  const where = (l, name) => short(layers[l].frame, value(l, name));
  const rows = [
    ["does", "phase", l => meta.phases[value(l, "phase")]],
    ["at step", "step", l => dash(value(l, "step"))],
    ["scanner hands over input", "handed", l => dash(value(l, "handed"))],
    ["\u2003its row, column, channel", "", l => where(l, "handed")],
    ["adds input", "adding", l => dash(value(l, "adding"))],
    ["\u2003its row, column, channel", "", l => where(l, "adding")],
    ["\u2003tap (ky \u00d7 k + kx)", "tap", l => dash(value(l, "tap"))],
    ["\u2003reads weight word", "weight_word", l => dash(value(l, "weight_word"))],
    ["\u2003reads sum word", "sum_word", l => dash(value(l, "sum_word"))],
    ["fires sum word", "firing", l => dash(value(l, "firing"))],
    ["writes word of next frame", "word_out", l => dash(value(l, "word_out"))]];
  const names = layers.map(layer => layer.name.split(" ")).map(([first, ...rest]) =>
    el("span", {}, first, el("span", {class: "name"}, ` ${rest.join(" ")}`)));
  $("at").replaceChildren(head(["layer", ...names]), el("tbody", {}, ...rows.map(([name, key, of]) =>
    el("tr", {"data-name": key}, el("th", {scope: "row"}, name), ...layers.map((_, l) => {
      const text = of(l);
      return el("td", {class: text === "waits" ? "stall" : null}, text);
    })))));
}

// A neuron

// The stored additions of a neuron at a step: {first, last, column}; null if they are not.
function listed(layer, neuron, step) {
  const [, , channels] = layers[layer].shape, pixel = Math.floor(neuron / channels);
  const slot = get(layer, "slot")[pixel], column = get(layer, "column")[neuron % channels];
  if (slot < 0 || column < 0) return null;
  const at = (layers[layer].constant ? 0 : step) * width(`${layer}.start`) + slot;
  return {first: get(layer, "start")[at], last: get(layer, "start")[at + 1], column};
}

function drawNeuron() {
  const {layer, neuron, step} = state, about = layers[layer], neurons = size(about.shape);
  $("layer").value = layer;
  $("neuron").max = neurons - 1;
  if (document.activeElement !== $("neuron")) $("neuron").value = neuron;
  $("neuron-place").textContent = placed(about.shape, neuron);
  const ready = here(ofNeuron(layer));
  $("neuron-section").setAttribute("aria-busy", !ready);
  if (!ready) {
    Promise.all(ofNeuron(layer).map(load)).then(() => change({})).catch(trouble);
    return;
  }
  const of = (name, t) => get(layer, name)[t * neurons + neuron];
  drawPlot(of);
  drawSteps(of);
  $("sum-title").textContent = `The sum of step ${step}`;
  drawSum(of);
}

function label(x, y, anchor, text) {
  return svg("text", {x, y, "text-anchor": anchor, fill: DIM, "pointer-events": "none"}, text);
}

function drawPlot(of) {
  const {layer, neuron, step} = state, about = layers[layer], readout = about.reset === "none";
  const wide = Math.max($("plot").clientWidth, 240), high = wide < 500 ? 220 : 250;
  const left = 56, right = 10, top = 34, bottom = 28;
  const times = [...Array(steps).keys()];
  const ints = times.map(t => of("mem_unit", t)), floats = times.map(t => of("mem_float", t));
  const marks = readout ? [0] : [0, about.threshold_unit, about.threshold_float];
  const low = Math.min(...ints, ...floats, ...marks), top_ = Math.max(...ints, ...floats, ...marks);
  const margin = (top_ - low || 1) * .06, y0 = low - margin, y1 = top_ + margin;
  const x = t => left + (t + .5) / steps * (wide - left - right);
  const y = value => top + (y1 - value) / (y1 - y0) * (high - top - bottom);
  const parts = [];
  for (const t of times)
    parts.push(svg("rect", {x: x(t) - (x(1) - x(0)) / 2, y: 0, width: x(1) - x(0), height: high - bottom + 4,
                            fill: t === step ? "#e8f0f8" : "transparent", style: "cursor: pointer",
                            onclick: () => setStep(t)}));
  const every = Math.ceil(steps / Math.max(1, Math.floor((wide - left) / 34)));
  for (const t of times)
    if (t % every === 0) parts.push(label(x(t), high - 10, "middle", String(t)));
  const rough = (y1 - y0) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].map(m => m * power).find(each => each >= rough);
  for (let k = Math.ceil(y0 / unit); k * unit <= y1; k++) {
    parts.push(svg("line", {x1: left, x2: wide - right, y1: y(k * unit), y2: y(k * unit), stroke: LINE}));
    const digits = Math.max(0, -Math.floor(Math.log10(unit)));
    parts.push(label(left - 8, y(k * unit) + 4, "end", (k * unit).toFixed(digits).replace("-", "\u2212")));
  }
  const edge = y(about.threshold_unit);
  if (!readout)
    parts.push(svg("line", {x1: left, x2: wide - right, y1: edge, y2: edge, stroke: INK, "stroke-dasharray": "6 4"}));
  const line = (values, colour, about = {}) => svg("polyline", {
    points: values.map((value, t) => `${x(t)},${y(value)}`).join(" "), fill: "none", stroke: colour, ...about});
  parts.push(line(floats, GREY, {"stroke-width": 2, "stroke-dasharray": "3 3"}));
  parts.push(line(ints, ACCENT, {"stroke-width": 2}));
  const mark = (t, y, height, fill) => svg("rect", {x: x(t) - 2, y, width: 4, height, fill});
  for (const t of times) {
    parts.push(svg("circle", {cx: x(t), cy: y(ints[t]), r: t === step ? 5 : 3, fill: ACCENT}));
    if (bit(`${layer}.spk`, t, neuron)) parts.push(mark(t, 4, 12, ACCENT));
    if (bit(`${layer}.spk_float`, t, neuron)) parts.push(mark(t, 19, 9, GREY));
  }
  parts.push(label(left - 8, 14, "end", "spikes"), label(0, high - 10, "start", "step"));
  const named = (style, text) =>
    el("span", {class: "key"}, el("i", {style: `border-top: ${style}; height: 0; vertical-align: .25em`}), text);
  const key = el("p", {class: "row dim"}, named(`3px solid ${ACCENT}`, "membrane, integers"),
    named(`3px dashed ${GREY}`, "membrane, float network"));
  if (!readout) key.append(named(`2px dashed ${INK}`, `threshold ${count(about.threshold)} = `
    + `${decimal(about.threshold_unit)} (float ${decimal(about.threshold_float)})`));
  $("plot").replaceChildren(key, svg("svg", {width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, role: "img",
    "aria-label": "Membrane over steps"}, ...parts));
}

// A button that chooses a cycle.
function toCycle(cycle, about = {}) {
  const choose = event => { event.stopPropagation(); setCycle(cycle); };
  return el("button", {type: "button", onclick: choose, ...about}, count(cycle));
}

function drawSteps(of) {
  const {layer, neuron, step} = state;
  const names = ["step", "kept", "current", "membrane", "= in float units", "float membrane", "float current", "spike",
                 "float spike", "kept after", "fires in cycle", "known in cycle"];
  const rows = [...Array(steps).keys()].map(t => el("tr", {class: t === step ? "chosen" : null, "data-step": t,
    onclick: () => setStep(t)},
    ...[String(t), count(of("kept", t)), count(of("cur", layers[layer].constant ? 0 : t)), count(of("mem", t)),
        decimal(of("mem_unit", t)), decimal(of("mem_float", t)), decimal(of("cur_float", t)),
        String(bit(`${layer}.spk`, t, neuron)), String(bit(`${layer}.spk_float`, t, neuron)), count(of("kept", t + 1)),
        toCycle(of("fired", t)), toCycle(of("out", t))].map(cell => el("td", {}, cell))));
  $("steps").replaceChildren(head(names), el("tbody", {}, ...rows));
}

function leaked(about, membrane, spike) {
  const leak = text => about.beta === about.beta_one ? text
    : `${about.rounding === "floor" ? "floor" : "towards 0"}(${text} \u00d7 ${about.beta} / ${about.beta_one})`;
  if (about.reset === "zero" && spike) return "0";
  if (about.reset === "subtract_then_leak" && spike) return leak(`(${membrane} \u2212 ${count(about.threshold)})`);
  return leak(membrane) + (about.reset === "subtract" && spike ? ` \u2212 ${count(about.threshold)}` : "");
}

function drawSum(of) {
  const {layer, neuron, step} = state, about = layers[layer], [, , channels] = about.shape, channel = neuron % channels;
  const list = listed(layer, neuron, step), kept = of("kept", step), membrane = of("mem", step);
  const bias = get(layer, "bias")[channel], spike = bit(`${layer}.spk`, step, neuron), last = step === steps - 1;
  const current = of("cur", about.constant ? 0 : step), lines = [];
  const adds = i => about.constant ? get(layer, "adds")[i * width(`${layer}.adds`) + list.column]
    : get(layer, "shifted")[get(layer, "row")[i] * channels + channel];
  if (list) {
    const terms = [], total = list.last - list.first;
    for (let i = list.first; i < list.last; i++) {
      if (total > 26 && i === list.first + 12) terms.push(`\u2026 ${total - 24} more \u2026`);
      if (total <= 26 || i < list.first + 12 || i >= list.last - 12) terms.push(signed(adds(i)));
    }
    const begin = about.constant ? "" : count(kept) + " ";
    const title = about.constant ? "current (added once, at step 0): "
      : `kept, ${count(total)} addition${total === 1 ? "" : "s"}, bias: `;
    lines.push(el("p", {class: "equation", id: "equation"}, title, begin, terms.join(" "),
      ` ${signed(bias)} = `, el("b", {}, count(about.constant ? current : membrane))));
  } else {
    lines.push(el("p", {id: "equation"},
      `The sum of this neuron was not stored; make the page with --layer ${layer} --neuron ${neuron}.`));
  }
  if (about.constant || !list)
    lines.push(el("p", {class: "equation"}, `kept ${count(kept)}, current ${count(current)}: membrane `,
      `${count(kept)} ${signed(current)} = `, el("b", {}, count(membrane))));
  const ends = value => value === about.low || value === about.high;
  const sums = i => get(layer, "sums")[i * width(`${layer}.sums`) + list.column];
  if (list && !about.constant)
    for (let i = list.first; i < list.last; i++)
      if (ends(sums(i))) {
        lines.push(el("p", {id: "cut"}, `On the way the sum was cut off at ${count(sums(i))}, the membrane's end.`));
        break;
      }
  const edge = ends(membrane) ? " (cut off)" : "";
  if (about.reset === "none") lines.push(el("p", {id: "verdict"}, `A readout: it never spikes${edge}. `));
  else lines.push(el("p", {id: "verdict"}, `${count(membrane)}${edge} ${spike ? ">" : "\u2264"} threshold `
    + `${count(about.threshold)}: ${spike ? "a spike" : "no spike"}. `));
  const end = lines.at(-1);
  end.append(last ? "After the last step it keeps 0. "
    : `Keeps ${leaked(about, count(membrane), spike)} = ${count(of("kept", step + 1))}. `);
  end.append("It fires in cycle ", toCycle(of("fired", step), {class: "link", id: "fired"}),
    ", and what it did is known in cycle ", toCycle(of("out", step), {class: "link", id: "out"}), ".");
  if (about.constant && step) lines.push(el("p", {class: "dim"},
    "Pixels are the same at every step: the hardware added them in step 0, and keeps the current."));
  $("sum").replaceChildren(...lines);
  drawAdditions(list, adds, sums, {kept, membrane, bias, current});
}

function drawAdditions(list, adds, sums, {kept, membrane, bias, current}) {
  const {layer, neuron, step} = state, about = layers[layer], channels = about.shape[2], channel = neuron % channels;
  const conv = about.kernel > 0, table = $("additions");
  if (!list) { table.replaceChildren(); return; }
  const places = spread(about.frame);
  const names = ["cycle", ...(layer ? ["from"] : []), "address", ...(places ? ["row", "column", "channel"] : []),
                 ...(conv ? ["tap ky, kx"] : []), ...(about.constant ? ["pixel"] : []), "weight",
                 about.shift > 1 ? `adds (\u00d7 ${about.shift})` : "adds", "sum"];
  const rows = [], group = get(layer, "group")[channel];
  const groups = width(`${layer}.cycle`);
  const wide = (name, text, value) => el("tr", {"data-name": name},
    el("td", {colspan: names.length - 2, style: "text-align: left"}, text),
    el("td", {}, name === "bias" ? signed(bias) : ""), el("td", {}, count(value)));
  if (!about.constant) rows.push(wide("kept", "kept from the step before", kept));
  for (let i = list.first; i < list.last; i++) {
    const address = get(layer, "address")[i], tap = get(layer, "tap")[i];
    const cycle = get(layer, "cycle")[i * groups + group], cells = [toCycle(cycle)];
    if (layer) {
      const from = window_(layer, address).find(n => bit(`${layer - 1}.spk`, step, n));
      cells.push(from === undefined ? "" : el("button", {type: "button", title: "Show the neuron that spiked",
        onclick: () => setNeuron(layer - 1, from)}, `${layer}: ${from}`));
    }
    cells.push(count(address));
    if (places) cells.push(...place(about.frame, address).map(String));
    if (conv) cells.push(`${Math.floor(tap / about.kernel)}, ${tap % about.kernel}`);
    if (about.constant) cells.push(count(get(layer, "value")[i]));
    cells.push(count(get(layer, "w")[get(layer, "row")[i] * channels + channel]), count(adds(i)), count(sums(i)));
    rows.push(el("tr", {"data-cycle": cycle}, ...cells.map(cell => el("td", {}, cell))));
  }
  rows.push(about.constant ? wide("bias", "bias; the current", current) : wide("bias", "bias; the membrane", membrane));
  rows.at(-1).className = "sum";
  table.replaceChildren(head(names), el("tbody", {}, ...rows));
}

function markCycle() {
  for (const row of $("additions").querySelectorAll("tr.now")) row.classList.remove("now");
  const row = $("additions").querySelector(`tr[data-cycle="${state.cycle}"]`);
  if (row) row.classList.add("now");
}

// Training

function listenTraining() {
  if (!meta.training) return;
  $("training-section").hidden = false;
  const layer = $("training-layer"), weight = $("training-weight"), neuron = $("training-neuron");
  const chosen = () => meta.training.layers[layer.value][weight.value];
  layer.append(...layers.map((each, l) => el("option", {value: l}, each.name)));
  layer.value = layers.length - 1;
  const fillNeurons = () => {
    const found = chosen();
    neuron.replaceChildren(...found.neurons.map((n, i) => el("option", {value: i},
      `${n} ${placed(layers[layer.value].shape, n)}`)));
    drawTraining(+layer.value, found, 0);
  };
  const fillWeights = () => {
    const conv = layers[layer.value].kernel > 0;
    weight.replaceChildren(...meta.training.layers[layer.value].map((found, i) => el("option", {value: i}, (conv
      ? `tap ${found.weight[0]}, ${found.weight[1]}; channel ${found.weight[2]} to ${found.weight[3]}`
      : `input ${found.weight[0]} to neuron ${found.weight[1]}`) + `: ${exact(found.bptt, 2)}`)));
    fillNeurons();
  };
  layer.addEventListener("change", fillWeights);
  weight.addEventListener("change", fillNeurons);
  neuron.addEventListener("change", () => drawTraining(+layer.value, chosen(), +neuron.value));
  addEventListener("resize", () => drawTraining(+layer.value, chosen(), +neuron.value));
  fillWeights();
}

function drawTraining(layer, found, which) {
  const several = found.users > 1, neuron = found.neurons[which];
  $("training-sum").replaceChildren(
    `Sum over ${steps} steps${several ? ` and ${count(found.users)} neurons` : ""}: `,
    el("b", {}, exact(found.gradient)), `; backpropagation through time: `, el("b", {}, exact(found.bptt)),
    ` (differ by ${exact(found.difference, 1)}). `
    + `The weight is ${decimal(found.value)}`
    + (several ? `; of this neuron alone the sum is ${exact(found.of_neuron[which])}. ` : ". "),
    el("button", {type: "button", class: "link", onclick: () => setNeuron(layer, neuron)}, "Show the neuron"));
  const direct = found.direct[which].some(x => x !== 0);
  const parts = [["error that arrives", found.error[which]], ["surrogate at the membrane", found.surrogate[which]],
                 ...(direct ? [["asked of the membrane", found.direct[which]]] : []),
                 ["trace of the input's spikes", found.trace[which]], ["product: what it adds", found.products[which]],
                 ...(several ? [["of all neurons together", found.total]] : [])];
  $("training-bars").replaceChildren(...parts.map(([name, values]) => bars(name, values)));
  const names = ["step", "error", "surrogate", ...(direct ? ["direct"] : []), "input", "trace", "product",
                 ...(several ? ["of those not listed", "of all neurons"] : [])];
  const cells = t => [String(t), exact(found.error[which][t]), exact(found.surrogate[which][t]),
    ...(direct ? [exact(found.direct[which][t])] : []), decimal(found.inputs[which][t]), decimal(found.trace[which][t]),
    exact(found.products[which][t]), ...(several ? [exact(found.rest[t]), exact(found.total[t])] : [])];
  const rows = [...Array(steps).keys()].map(t => el("tr", {}, ...cells(t).map(text => el("td", {}, text))));
  const before = names.length - (several ? 3 : 1);
  const sum = el("tr", {class: "sum"}, el("td", {colspan: before, style: "text-align: left"}, "sum"),
    el("td", {}, exact(found.of_neuron[which])), ...(several ? [el("td"), el("td", {}, exact(found.gradient))] : []));
  $("training-table").replaceChildren(head(names), el("tbody", {}, ...rows, sum));
}

function bars(name, values) {
  const wide = 280, high = 96, most = Math.max(...values.map(Math.abs));
  const low = Math.min(0, ...values), top = Math.max(0, ...values);
  const span = top - low || 1, y = value => 4 + (top - value) / span * (high - 24), w = (wide - 4) / values.length;
  const parts = values.map((value, t) => svg("rect", {x: 2 + t * w + w * .15, width: w * .7, fill: ACCENT,
    y: Math.min(y(value), y(0)), height: Math.max(Math.abs(y(value) - y(0)), value ? .6 : 0)},
    svg("title", {}, `step ${t}: ${exact(value)}`)));
  parts.push(svg("line", {x1: 0, x2: wide, y1: y(0), y2: y(0), stroke: GREY}));
  const every = Math.ceil(values.length / 12);
  values.forEach((_, t) => {
    if (t % every === 0) parts.push(label(2 + (t + .5) * w, high - 4, "middle", String(t)));
  });
  return el("figure", {}, el("figcaption", {}, name, el("span", {class: "dim"}, ` (to ${most.toPrecision(3)})`)),
    svg("svg", {viewBox: `0 0 ${wide} ${high}`, width: "100%", role: "img", "aria-label": name}, ...parts));
}

// The start

function trouble(error) {
  $("trouble").hidden = false;
  $("trouble").textContent = `This page has an error: ${error?.message ?? error}`;
  console.error(error);
}

async function start() {
  if (typeof DecompressionStream === "undefined")
    throw new Error("this browser is too old: it has no DecompressionStream");
  $("step").max = steps - 1;
  $("cycle").max = $("cycle-number").max = latency - 1;
  if (!meta.constant) maps.push(makeCard({title: "input", shape: layers[0].frame}, -1));
  layers.forEach((layer, l) => maps.push(makeCard({title: `${layer.name}`, shape: layer.shape}, l)));
  $("layer").append(...layers.map((layer, l) => el("option", {value: l}, layer.name)));
  $("step").addEventListener("input", () => setStep(+$("step").value));
  $("cycle").addEventListener("input", () => setCycle(+$("cycle").value));
  const typed = (id, use, name) => {
    $(id).addEventListener("input", () => { if ($(id).value !== "") use(Math.round(+$(id).value)); });
    $(id).addEventListener("blur", () => $(id).value = state[name]);
  };
  typed("cycle-number", setCycle, "cycle");
  typed("neuron", neuron => setNeuron(state.layer, neuron), "neuron");
  $("layer").addEventListener("change", () => setNeuron(+$("layer").value, 0));
  for (const id of ["shows-step", "shows-cycle"])
    $(id).addEventListener("change", () => {
      change({follows: $("shows-cycle").checked});
      if (state.follows) Promise.all(layers.map((_, l) => load(`${l}.out`))).then(() => change({})).catch(trouble);
    });
  listenGantt();
  addEventListener("resize", () => change({}));
  await Promise.all(["image", ...(meta.constant ? [] : ["input"]), ...layers.map((_, l) => `${l}.spk`)].map(load));
  drawPicture();
  draw();
  await Promise.all(layers.flatMap((_, l) => AT.map(name => load(`${l}.at.${name}`))));
  await Promise.all(ofNeuron(state.layer).map(load));
  change({cycle: get(state.layer, "fired")[state.step * size(layers[state.layer].shape) + state.neuron]});
  listenTraining();
}

addEventListener("unhandledrejection", event => trouble(event.reason));
start().catch(trouble);
})();
