// One neuron: its membrane over the steps, as a plot and as a table.

function drawNeuron() {
  const {layer, neuron, step} = state, {shape} = layers[layer], neurons = size(shape);
  $("layer").value = layer;
  $("neuron").max = neurons - 1;
  if (document.activeElement !== $("neuron")) $("neuron").value = neuron;
  $("neuron-place").textContent = placeInWords(shape, neuron);
  const available = loaded(neuronArrays(layer));
  $("neuron-section").setAttribute("aria-busy", !available);
  if (!available) {
    Promise.all(neuronArrays(layer).map(load)).then(() => change({})).catch(showError);
    return;
  }
  const value = (name, t) => get(layer, name)[t * neurons + neuron];
  drawPlot(value);
  drawSteps(value);
  $("sum-title").textContent = `The sum of step ${step}`;
  drawSum(value);
}

function drawPlot(value) {
  const {layer} = state, about = layers[layer], hasThreshold = about.reset !== "none";
  const wide = Math.max($("plot").clientWidth, 240), high = wide < 500 ? 220 : 250;
  const ints = taken(layer).map(t => value("mem_unit", t)), floats = upTo(steps).map(t => value("mem_float", t));
  const levels = [0, ...ints, ...floats, ...(hasThreshold ? [about.threshold_unit, about.threshold_float] : [])];
  const axes = plotAxes(wide, high, Math.min(...levels), Math.max(...levels)), {x, y, left, right} = axes;
  const points = values => values.map((level, t) => `${x(t)},${y(level)}`).join(" ");
  const line = (values, attributes) =>
    svg("polyline", {points: points(values), fill: "none", "stroke-width": 2, ...attributes});
  const parts = [...stepColumns(axes), ...stepNumbers(axes), ...levelLines(axes)];
  const edge = y(about.threshold_unit);
  if (hasThreshold)
    parts.push(svg("line", {x1: left, x2: right, y1: edge, y2: edge, stroke: INK, "stroke-dasharray": "6 4"}));
  parts.push(line(floats, {stroke: GREY, "stroke-dasharray": "3 3"}), line(ints, {stroke: ACCENT}));
  parts.push(...spikeMarks(axes, ints));
  parts.push(svgText(left - 8, 14, "end", "spikes"), svgText(0, high - 10, "start", "step"));
  $("plot").replaceChildren(plotKey(about, hasThreshold), svg("svg", {width: wide, height: high,
    viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": "Membrane over steps"}, ...parts));
}

// Steps that the layer took; those of a dropped image come last.
const taken = layer => upTo(steps).filter(t => !dropped(layer, t));

// Where steps and levels are drawn: x of a step, y of a level.
function plotAxes(wide, high, low, top) {
  const left = 56, right = wide - 10, above = 34, below = 28, margin = (top - low || 1) * .06;
  const bottomLevel = low - margin, topLevel = top + margin;
  return {wide, high, left, right, bottomLevel, topLevel, bottom: high - below,
          x: t => left + (t + .5) / steps * (right - left),
          y: level => above + (topLevel - level) / (topLevel - bottomLevel) * (high - above - below)};
}

function stepColumns({x, bottom}) {
  return upTo(steps).map(t => svg("rect", {x: x(t) - (x(1) - x(0)) / 2, y: 0, width: x(1) - x(0), height: bottom + 4,
    fill: t === state.step ? CHOSEN : "transparent", style: "cursor: pointer", onclick: () => setStep(t)}));
}

function stepNumbers({x, wide, high, left}) {
  const every = Math.ceil(steps / Math.max(1, Math.floor((wide - left) / 34)));
  return upTo(steps).filter(t => t % every === 0).map(t => svgText(x(t), high - 10, "middle", String(t)));
}

// Horizontal lines at round levels.
function levelLines({y, left, right, bottomLevel, topLevel}) {
  const rough = (topLevel - bottomLevel) / 4, power = 10 ** Math.floor(Math.log10(rough)), parts = [];
  const unit = [1, 2, 5, 10].map(m => m * power).find(level => level >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(unit)));
  for (let k = Math.ceil(bottomLevel / unit); k * unit <= topLevel; k++) {
    const at = y(k * unit);
    parts.push(svg("line", {x1: left, x2: right, y1: at, y2: at, stroke: LINE}),
      svgText(left - 8, at + 4, "end", (k * unit).toFixed(digits).replace("-", MINUS)));
  }
  return parts;
}

// A dot at each membrane; above it, a mark if the neuron spikes (blue) and if the float network's does (grey).
function spikeMarks({x, y}, ints) {
  const {layer, neuron, step} = state, parts = [];
  const mark = (t, top, height, fill) => svg("rect", {x: x(t) - 2, y: top, width: 4, height, fill});
  for (const t of taken(layer)) {
    parts.push(svg("circle", {cx: x(t), cy: y(ints[t]), r: t === step ? 5 : 3, fill: ACCENT}));
    if (spikes(layer, t, neuron)) parts.push(mark(t, 4, 12, ACCENT));
  }
  for (const t of upTo(steps)) {
    if (floatSpikes(layer, t, neuron)) parts.push(mark(t, 19, 9, GREY));
  }
  return parts;
}

function plotKey(about, hasThreshold) {
  const entry = (style, text) =>
    el("span", {class: "key"}, el("i", {style: `border-top: ${style}; height: 0; vertical-align: .25em`}), text);
  const key = el("p", {class: "row dim"}, entry(`3px solid ${ACCENT}`, "membrane, integers"),
    entry(`3px dashed ${GREY}`, "membrane, float network"));
  const threshold = `threshold ${count(about.threshold)} = ${decimal(about.threshold_unit)}`
    + ` (float ${decimal(about.threshold_float)})`;
  if (hasThreshold) key.append(entry(`2px dashed ${INK}`, threshold));
  return key;
}

function drawSteps(value) {
  const {layer, neuron, step} = state, currentStep = t => layers[layer].constant ? 0 : t;
  const columns = [  // heading, cell of a step
    ["step", t => String(t)],
    ["kept before", t => count(value("kept", t))],
    ["current", t => count(value("cur", currentStep(t)))],
    ["membrane", t => count(value("mem", t))],
    ["= in float units", t => decimal(value("mem_unit", t))],
    ["float membrane", t => decimal(value("mem_float", t))],
    ["float current", t => decimal(value("cur_float", t))],
    ["spike", t => String(spikes(layer, t, neuron))],
    ["float spike", t => String(floatSpikes(layer, t, neuron))],
    ["kept after", t => count(value("kept", t + 1))],
    ["turn in cycle", t => cycleButton(value("turn_cycle", t))],
    ["known in cycle", t => cycleButton(value("known_cycle", t))],
  ];
  const ofFloats = new Set(["step", "float membrane", "float current", "float spike"]);
  const cellOf = ([name, cell], t) => dropped(layer, t) && !ofFloats.has(name) ? DASH : cell(t);
  const rows = upTo(steps).map(t => tableRow(columns.map(column => cellOf(column, t)),
    {class: t === step ? "chosen" : null, "data-step": t, onclick: () => setStep(t)}));
  $("steps").replaceChildren(tableHead(columns.map(([name]) => name)), el("tbody", {}, ...rows));
}
