// The image, and a map of spikes for each layer; where the input is spikes, its map comes first.

const maps = [];
const INPUT = -1;  // index of the input's map

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

function makeMaps() {
  if (!meta.constant) maps.push(makeMap(INPUT, "input", layers[0].frame));
  layers.forEach((layer, index) => maps.push(makeMap(index, layerName(index), layer.shape)));
}

function makeMap(index, title, shape) {
  const canvas = el("canvas", {tabindex: 0, role: "img",
                               "aria-label": `${title}: map of spikes. Arrow keys choose a neuron.`});
  const caption = el("p", {class: "caption"}), phase = el("p", {class: "state"});
  const pointed = el("p", {class: "over"}, "\u00a0");
  const card = el("div", {class: "layer", id: `layer-${index}`}, el("h3", {}, title), canvas, caption, phase, pointed);
  const map = {index, shape, canvas, caption, phase, card};
  canvas.addEventListener("mousemove", event => {
    const neuron = neuronAt(map, event), kind = index === INPUT ? "input" : "neuron";
    pointed.textContent = neuron < 0 ? "\u00a0" : `${kind} ${neuron} ${placeInWords(shape, neuron)}`;
  });
  canvas.addEventListener("mouseleave", () => pointed.textContent = "\u00a0");
  if (index !== INPUT) {
    canvas.addEventListener("click", event => {
      const neuron = neuronAt(map, event);
      if (neuron >= 0) setNeuron(index, neuron);
    });
    canvas.addEventListener("keydown", event => moveByKey(map, event));
  }
  $("layers").append(card);
  return map;
}

function moveByKey(map, event) {
  const [, wide, channels] = map.shape, flat = !isMap(map.shape);
  const right = flat ? 1 : channels, down = flat ? map.across : channels * wide;
  const moves = {ArrowLeft: -right, ArrowRight: right, ArrowUp: -down, ArrowDown: down, PageUp: -1, PageDown: 1,
                 Enter: 0, " ": 0};
  const by = moves[event.key];
  if (by === undefined) return;
  event.preventDefault();
  if (state.layer !== map.index) setNeuron(map.index, 0);
  else if (state.neuron + by >= 0 && state.neuron + by < size(map.shape)) setNeuron(map.index, state.neuron + by);
}

// Sizes: a map is tiles of channels, `across` in a line; a tile has a square of `cell` pixels for each neuron.

function measure(map) {
  const [high, wide, channels] = map.shape;
  map.tileWidth = map.cell * wide + map.gap;
  map.tileHeight = map.cell * high + map.gap;
  map.width = map.across * map.tileWidth - map.gap;
  map.height = Math.ceil(channels / map.across) * map.tileHeight - map.gap;
  return map;
}

function arrangeMaps() {
  const phone = innerWidth <= 600, room = $("layers").clientWidth;
  for (const map of maps) startSize(map, phone, room);
  if (!phone) shrinkIntoOneLine(room);
  for (const map of maps) map.card.style.width = Math.max(map.width + 6, 90) + "px";
}

function startSize(map, phone, room) {
  const [, wide, channels] = map.shape, flat = !isMap(map.shape);
  const widest = phone ? room - 8 : Math.min(room - 8, 520), highest = phone ? 560 : 290;
  map.gap = flat ? 2 : 3;
  map.cell = flat ? 16 : 12;
  if (flat) map.across = Math.min(channels, channels <= 20 ? 5 : 16);
  else if (channels < 8 && channels > 2) map.across = Math.ceil(channels / 2);
  else map.across = Math.min(channels, phone && wide > 20 ? 4 : 8);
  while (map.cell > 1 && (measure(map).width > widest || map.height > highest)) map.cell--;
  measure(map);
}

// Shrink the largest map that may shrink, again and again: first maps of neurons, then flat layers.
function shrinkIntoOneLine(room) {
  const lineWidth = () => maps.reduce((sum, map) => sum + Math.max(map.width, 90) + 28, -22);
  const largest = (least, flat) => maps.filter(map => map.cell > least && isMap(map.shape) !== flat)
    .sort((a, b) => b.cell - a.cell)[0];
  while (lineWidth() > room) {
    const map = largest(9, true) ?? largest(2, false) ?? largest(5, true);
    if (!map) return;
    map.cell--;
    measure(map);
  }
}

function corner(map, index) {
  const [row, column, channel] = place(map.shape, index);
  return [channel % map.across * map.tileWidth + column * map.cell,
          Math.floor(channel / map.across) * map.tileHeight + row * map.cell];
}

// The neuron under the pointer; -1 for none.
function neuronAt(map, event) {
  const box = map.canvas.getBoundingClientRect(), [high, wide, channels] = map.shape;
  const x = event.clientX - box.left - 3, y = event.clientY - box.top - 3;
  const tileX = Math.floor(x / map.tileWidth), tileY = Math.floor(y / map.tileHeight);
  const column = Math.floor((x - tileX * map.tileWidth) / map.cell);
  const row = Math.floor((y - tileY * map.tileHeight) / map.cell);
  const channel = tileY * map.across + tileX;
  if (x < 0 || y < 0 || tileX >= map.across || channel >= channels || column >= wide || row >= high) return -1;
  return (row * wide + column) * channels + channel;
}

function drawMaps() {
  arrangeMaps();
  for (const map of maps) {
    drawTiles(map);
    drawSquares(map);
    if (map.index === state.layer) frameNeuron(map);
  }
}

function drawTiles(map) {
  const [high, wide, channels] = map.shape;
  map.context = clearedCanvas(map.canvas, map.width + 6, map.height + 6);
  map.context.translate(3, 3);
  map.context.fillStyle = TILE;
  for (let c = 0; c < channels; c++) map.context.fillRect(...corner(map, c), wide * map.cell, high * map.cell);
}

const sideOf = map => map.cell > 3 && isMap(map.shape) ? map.cell - 1 : map.cell;

function fillNeurons(map, neurons, colour) {
  map.context.fillStyle = colour;
  for (const n of neurons) map.context.fillRect(...corner(map, n), sideOf(map), sideOf(map));
}

function frameNeuron(map) {
  const [x, y] = corner(map, state.neuron), side = sideOf(map);
  map.context.lineWidth = 2;
  map.context.strokeStyle = INK;
  map.context.strokeRect(x - 2, y - 2, side + 4, side + 4);
}

function drawSquares(map) {
  const {index} = map, at = step => spikesAt(index === INPUT ? "input" : `${index}.spk`, step, size(map.shape));
  map.caption.textContent = "";
  if (index === INPUT || !state.showsCycle) {
    fillNeurons(map, at(state.step), ACCENT);
    const spiking = () => dropped(index, state.step) ? "dropped" : plural(layers[index].spikes[state.step], "spike");
    const number = index === INPUT ? "" : `: ${spiking()}`;
    map.caption.textContent = `step ${state.step}${number}`;
  } else if (get(index, "at.step") && get(index, "known_cycle")) {
    drawKnownSpikes(map, at);
  }
  if (state.showsCycle) {
    const next = index + 1, adding = layers[next] && !layers[next].constant && get(next, "at.adding");
    if (adding && adding[state.cycle] >= 0) fillNeurons(map, sourcesOf(next, adding[state.cycle]), INK);
  } else if (index === state.layer - 1) {
    fillNeurons(map, sourcesOfNeuron(), INK);
  }
}

// Spikes that are known in the chosen cycle, and those of the step before that are not replaced yet.
function drawKnownSpikes(map, at) {
  const step = get(map.index, "at.step")[state.cycle], known = get(map.index, "known_cycle"), neurons = size(map.shape);
  const isKnown = n => known[step * neurons + n] <= state.cycle;
  if (step > 0) fillNeurons(map, at(step - 1).filter(n => !isKnown(n)), PALE);
  if (step >= 0) fillNeurons(map, at(step).filter(isKnown), ACCENT);
  map.caption.textContent = step < 0 ? "before its first step" : `at step ${step}, cycle ${count(state.cycle)}`;
}

// Neurons of the layer before (or inputs) whose spikes are added to the chosen neuron at the chosen step.
function sourcesOfNeuron() {
  const {layer, neuron, step} = state, sources = new Set();
  if (layers[layer].constant || !loaded(neuronArrays(layer))) return sources;
  const additions = additionsOf(layer, neuron, step) ?? {first: 0, last: 0};
  for (let i = additions.first; i < additions.last; i++)
    for (const source of sourcesOf(layer, get(layer, "address")[i]))
      if (layer === 0 || spikes(layer - 1, step, source)) sources.add(source);
  return sources;
}

function drawPhases() {
  for (const {index, phase} of maps) {
    if (index === INPUT || !get(index, "at.phase") || !get(index, "at.step")) continue;
    const name = meta.phases[get(index, "at.phase")[state.cycle]], step = get(index, "at.step")[state.cycle];
    phase.textContent = step < 0 ? "idle" : name === "idle" ? `idle after step ${step}` : `${name}, step ${step}`;
    phase.classList.toggle("stall", name === "waits");
  }
}
