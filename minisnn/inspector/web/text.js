// Numbers and places as text, and the elements that show them.

// Colours of page.css, for the mode of the reader's system; a page that is open is drawn anew when that changes.
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const [ACCENT, PALE, TILE, INK, DIM, GREY, LINE, PAGE, CHOSEN] =
  ["accent", "pale", "tile", "ink", "dim", "grey", "line", "page", "chosen"].map(colour);
dark.addEventListener("change", () => location.reload());

const MINUS = "\u2212", DASH = "\u2013", TIMES = "\u00d7", INDENT = "\u2003";

const count = n => Number.isInteger(n) ? (n < 0 ? MINUS : "") + Math.abs(n).toLocaleString("en-US") : "";
const signed = n => (n < 0 ? MINUS + " " : "+ ") + Math.abs(n).toLocaleString("en-US");
const decimal = x => (x < 0 ? MINUS : "") + Math.abs(x).toFixed(4);
const scientific = (x, digits = 6) => x === 0 ? "0" : x.toExponential(digits).replace(/-/g, MINUS);
const countOrDash = n => n < 0 ? DASH : count(n);
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const upTo = n => [...Array(n).keys()];

// Places: a shape is [rows, columns, channels]; a flat row is one pixel.

const size = shape => shape[0] * shape[1] * shape[2];
const isMap = shape => shape[0] * shape[1] > 1;

function place([, across, channels], index) {
  const pixel = Math.floor(index / channels);
  return [Math.floor(pixel / across), pixel % across, index % channels];
}

function placeInWords(shape, index) {
  const [row, column, channel] = place(shape, index);
  return isMap(shape) ? `row ${row}, column ${column}, channel ${channel}` : "";
}

function placeOrDash(shape, index) {
  if (index < 0) return DASH;
  return isMap(shape) ? place(shape, index).join(", ") : count(index);
}

// Layers are shown counted from 1; in this script they are indices from 0.
const layerOption = layer => `${layers[layer].number}: ${layers[layer].notation}`;
const layerName = layer => `layer ${layerOption(layer)}`;

// Elements: attributes that begin with "on" are listeners.

function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function tableHead(names) {
  return el("thead", {}, el("tr", {}, ...names.map(name => el("th", {scope: "col"}, name))));
}

function tableRow(cells, attributes = {}) {
  return el("tr", attributes, ...cells.map(cell => el("td", {}, cell)));
}

// A button that chooses a cycle.
function cycleButton(cycle, attributes = {}) {
  const choose = event => { event.stopPropagation(); setCycle(cycle); };
  return el("button", {type: "button", onclick: choose, ...attributes}, count(cycle));
}

function svgText(x, y, anchor, text) {
  return svg("text", {x, y, "text-anchor": anchor, fill: DIM, "pointer-events": "none"}, text);
}

// A cleared canvas of so many CSS pixels, sharp on any screen: its context.
function clearedCanvas(canvas, wide, high) {
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
