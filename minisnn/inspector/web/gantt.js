// The chart of phases over cycles: a row of bars for each layer.

const ROW = 46, AXIS = 26, BAR = 22, MARGIN = 8;
const [STALL, STALL_PALE, STALL_TEXT, IDLE_LINE] = ["stall", "stall-pale", "stall-text", "idle"].map(colour);
let hatching = null;

const isPhone = () => innerWidth <= 600;
const namesWidth = () => isPhone() ? 22 : 108;

function drawGantt() {
  const canvas = $("gantt"), wide = Math.max(canvas.parentElement.clientWidth, 240), high = ROW * layers.length + AXIS;
  const context = clearedCanvas(canvas, wide, high), {from, to} = state;
  const left = namesWidth(), room = wide - left - MARGIN, scale = room / (to - from);
  const chart = {context, wide, high, left, room, scale, x: cycle => left + (cycle - from) * scale};
  context.font = `${isPhone() ? 12 : 13}px system-ui, "DejaVu Sans", sans-serif`;
  context.textBaseline = "middle";
  drawAxis(chart);
  layers.forEach((_, layer) => {
    const top = layer * ROW + 4;
    drawLayerName(chart, layer, top);
    context.save();
    context.beginPath(); context.rect(left, 0, room, high); context.clip();
    drawIdleLine(chart, top);
    for (const segment of layers[layer].segments) drawPhaseBar(chart, layer, top, segment);
    drawMarks(chart, layer, top);
    context.restore();
  });
  if (meta.decided !== null) drawDecided(chart);
  drawChosenCycle(chart);
}

function drawAxis({context, wide, high, left, scale, x}) {
  const {from, to} = state;
  const units = upTo(8).flatMap(power => [1, 2, 5].map(digit => digit * 10 ** power));
  const unit = units.find(many => many * scale > 90) ?? cycles;
  context.textAlign = "center";
  for (let cycle = Math.ceil(from / unit) * unit; cycle < to; cycle += unit) {
    context.fillStyle = LINE; context.fillRect(x(cycle), 0, 1, high - AXIS);
    context.fillStyle = DIM;
    const middle = Math.min(Math.max(x(cycle), left + 6), wide - 24);
    if (x(cycle) > left - 2) context.fillText(count(cycle), middle, high - AXIS / 2 + 2);
  }
}

function drawLayerName({context, left}, layer, top) {
  const {number, notation} = layers[layer];
  context.fillStyle = INK; context.textAlign = "left";
  context.fillText(isPhone() ? number : `${number}: ${notation}`, 0, top + BAR / 2, left - 8);
}

function drawIdleLine({context, left, room}, top) {
  const middle = top + BAR / 2;
  context.strokeStyle = IDLE_LINE; context.lineWidth = 2;
  context.beginPath(); context.moveTo(left, middle); context.lineTo(left + room, middle); context.stroke();
}

// A bar from the first to the last cycle of a phase; its step's number stands in it, if it is wide enough.
function drawPhaseBar({context, left, room, x}, layer, top, [first, last, phaseIndex, step]) {
  const phase = meta.phases[phaseIndex], waits = phase === "waits";
  if (last + 1 < state.from || first > state.to || phase === "idle") return;
  const a = Math.max(x(first), left - 4), b = Math.min(x(last + 1), left + room + 4), w = Math.max(b - a, .75);
  const middle = (a + b) / 2;
  const fires = dropped(layer, step) ? IDLE_LINE : PALE;
  context.fillStyle = waits ? hatched(context) : phase === "adds" ? ACCENT : fires;
  context.fillRect(a, top, w, BAR);
  if (w <= (waits ? 34 : 18)) return;
  if (waits) { context.fillStyle = PAGE; context.fillRect(middle - 8, top + 3, 16, 16); }
  context.fillStyle = waits ? STALL_TEXT : phase === "adds" ? PAGE : INK;
  context.textAlign = "center";
  context.fillText(String(step), middle, top + BAR / 2);
}

function hatched(context) {
  if (hatching) return hatching;
  const tile = document.createElement("canvas"), lines = tile.getContext("2d");
  tile.width = tile.height = 8;
  lines.fillStyle = STALL_PALE; lines.fillRect(0, 0, 8, 8);
  lines.strokeStyle = STALL; lines.lineWidth = 3;
  for (const d of [-8, 0, 8]) { lines.beginPath(); lines.moveTo(d - 1, 9); lines.lineTo(d + 9, -1); lines.stroke(); }
  return hatching = context.createPattern(tile, "repeat");
}

// Under a bar, where cycles are wide enough to be seen: inputs handed over (upper line), additions (lower line).
function drawMarks({context, room, scale, x}, layer, top) {
  const {from, to} = state, handed = get(layer, "at.handed"), adding = get(layer, "at.adding");
  if (!handed || !adding || to - from > 2.5 * room) return;
  const w = scale > 3 ? scale - 1 : 1;
  for (const [addresses, colour, y] of [[handed, DIM, top + 25], [adding, ACCENT, top + 31]]) {
    context.fillStyle = colour;
    for (let cycle = Math.floor(from); cycle < Math.min(to, cycles); cycle++)
      if (addresses[cycle] >= 0) context.fillRect(x(cycle), y, w, 4);
  }
}

// The cycle from which on the rest of the image is dropped.
function drawDecided({context, left, room, high, x}) {
  const at = x(meta.decided);
  if (at < left || at > left + room) return;
  context.fillStyle = STALL;
  context.fillRect(at - 1, 0, 2, high - AXIS);
}

function drawChosenCycle({context, high, scale, x}) {
  const {cycle, from, to} = state;
  if (cycle < from || cycle >= to) return;
  const w = Math.max(scale, 1.5);
  context.fillStyle = INK;
  context.strokeStyle = INK;
  context.lineWidth = 1.5;
  if (w > 4) context.strokeRect(x(cycle), 1, w, high - AXIS - 2);
  else context.fillRect(x(cycle), 0, w, high - AXIS);
}

// Mouse, wheel and keys

function listenGantt() {
  const canvas = $("gantt");
  const cyclesPerPixel = () => (state.to - state.from) / (canvas.clientWidth - namesWidth() - MARGIN);
  const cycleAt = event =>
    state.from + (event.clientX - canvas.getBoundingClientRect().left - namesWidth()) * cyclesPerPixel();
  listenDrag(canvas, cyclesPerPixel, event => setCycle(Math.floor(cycleAt(event))));
  canvas.addEventListener("wheel", event => {
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? .7 : 1 / .7, cycleAt(event));
  }, {passive: false});
  canvas.addEventListener("keydown", event => {
    const far = Math.max(1, Math.round((state.to - state.from) / 20));
    const by = {ArrowLeft: -1, ArrowRight: 1, PageUp: -far, PageDown: far, Home: -cycles, End: cycles}[event.key];
    if (by !== undefined) { event.preventDefault(); setCycle(state.cycle + by); }
    if ("+=-".includes(event.key)) { event.preventDefault(); zoom(event.key === "-" ? 2 : .5); }
  });
  $("zoom-in").addEventListener("click", () => zoom(.5));
  $("zoom-out").addEventListener("click", () => zoom(2));
  $("zoom-all").addEventListener("click", () => change({from: 0, to: cycles}));
}

// Dragging moves the chart; a click that did not drag is passed on.
function listenDrag(canvas, cyclesPerPixel, onClick) {
  let grip = null, dragged = false;
  canvas.addEventListener("pointerdown", event => { grip = {x: event.clientX, from: state.from}; dragged = false; });
  addEventListener("pointermove", event => {
    if (!grip) return;
    const by = event.clientX - grip.x;
    if (Math.abs(by) > 4) dragged = true;
    if (dragged) change(visibleCycles(grip.from - by * cyclesPerPixel(), state.to - state.from));
  });
  addEventListener("pointerup", () => grip = null);
  addEventListener("pointercancel", () => grip = null);
  canvas.addEventListener("click", event => { if (!dragged) onClick(event); });
}
