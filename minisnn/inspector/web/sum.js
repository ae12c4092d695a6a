// The sum that makes a membrane: as an equation, and addition by addition.

const SHOWN_TERMS = 12;  // of a long equation, at its beginning and at its end

function drawSum(value) {
  if (dropped(state.layer, state.step)) {
    $("sum").replaceChildren(el("p", {id: "equation"}, "This step was dropped: the image was answered before."));
    $("additions").replaceChildren();
    return;
  }
  const sum = sumOf(value), lines = sum.list ? [equation(sum)] : [notStored()];
  if (sum.about.constant || !sum.list) lines.push(membraneEquation(sum));
  const cut = sum.about.constant ? [] : sum.rows.map(sum.total).filter(sum.isEnd);
  if (cut.length)
    lines.push(el("p", {id: "cut"}, `The running sum saturated at ${count(cut[0])}, the end of the membrane's range.`));
  lines.push(verdict(sum, value));
  if (sum.about.constant && state.step)
    lines.push(el("p", {class: "dim"},
      "Pixels are the same at every step: the hardware added them at step 0 and keeps the current."));
  $("sum").replaceChildren(...lines);
  drawAdditions(sum);
}

// Everything about the chosen membrane: numbers, and functions of the stored additions (`rows` are their indices).
function sumOf(value) {
  const {layer, neuron, step} = state, about = layers[layer], channels = about.shape[2], channel = neuron % channels;
  const list = additionsOf(layer, neuron, step), weightAt = i => get(layer, "row")[i] * channels + channel;
  return {
    about, list, channel,
    kept: value("kept", step),
    current: value("cur", about.constant ? 0 : step),
    bias: get(layer, "bias")[channel],
    membrane: value("mem", step),
    spike: spikes(layer, step, neuron),
    rows: list ? upTo(list.last - list.first).map(i => list.first + i) : [],
    weight: i => get(layer, "w")[weightAt(i)],
    adds: i => about.constant ? get(layer, "adds")[i * width(layer, "adds") + list.column]
      : get(layer, "shifted")[weightAt(i)],
    total: i => get(layer, "sums")[i * width(layer, "sums") + list.column],
    isEnd: sum => sum === about.low || sum === about.high,
  };
}

function equation({about, rows, adds, kept, bias, current, membrane}) {
  const terms = rows.map(i => signed(adds(i)));
  if (terms.length > 2 * SHOWN_TERMS + 2)
    terms.splice(SHOWN_TERMS, terms.length - 2 * SHOWN_TERMS, `\u2026 ${terms.length - 2 * SHOWN_TERMS} more \u2026`);
  const title = about.constant ? "current (added once, at step 0): "
    : `kept, ${plural(rows.length, "addition")}, bias: `;
  return el("p", {class: "equation", id: "equation"}, title, about.constant ? "" : count(kept) + " ", terms.join(" "),
    ` ${signed(bias)} = `, el("b", {}, count(about.constant ? current : membrane)));
}

function notStored() {
  const {layer, neuron} = state;
  return el("p", {id: "equation"}, "The sum of this neuron is not stored; "
    + `make the page with --layer ${layers[layer].number} --neuron ${neuron}.`);
}

function membraneEquation({kept, current, membrane}) {
  return el("p", {class: "equation"}, `kept ${count(kept)}, current ${count(current)}: membrane `,
    `${count(kept)} ${signed(current)} = `, el("b", {}, count(membrane)));
}

function verdict({about, membrane, spike, isEnd}, value) {
  const {step} = state, saturated = isEnd(membrane) ? " (saturated)" : "";
  const comparison = `${count(membrane)}${saturated} ${spike ? ">" : "\u2264"} threshold ${count(about.threshold)}: `
    + `${spike ? "a spike" : "no spike"}. `;
  const keeps = step === steps - 1 ? "After the last step it keeps 0. "
    : `It keeps ${keptAfter(about, count(membrane), spike, value("kept", step + 1))}. `;
  return el("p", {id: "verdict"}, about.reset === "none" ? `A readout never spikes${saturated}. ` : comparison, keeps,
    "Its turn in the firing pass is cycle ", cycleButton(value("turn_cycle", step), {class: "link", id: "turn"}),
    "; its spike is known in cycle ", cycleButton(value("known_cycle", step), {class: "link", id: "known"}), ".");
}

// The state after leak and reset, as a formula with its value.
function keptAfter(about, membrane, spike, kept) {
  if (about.reset === "zero" && spike) return "0";
  const rounding = about.rounding === "floor" ? "floor" : "towards 0", threshold = count(about.threshold);
  const leak = text => about.beta === about.beta_one ? text
    : `${rounding}(${text} ${TIMES} ${about.beta} / ${about.beta_one})`;
  const leakedFirst = about.reset === "subtract" && spike ? ` ${MINUS} ${threshold}` : "";
  const formula = about.reset === "subtract_then_leak" && spike ? leak(`(${membrane} ${MINUS} ${threshold})`)
    : leak(membrane) + leakedFirst;
  return `${formula} = ${count(kept)}`;
}

// The table of additions

function drawAdditions(sum) {
  if (!sum.list) { $("additions").replaceChildren(); return; }
  const {about, kept, bias, current, membrane} = sum, columns = additionColumns(sum);
  const rows = sum.rows.map(i => tableRow(columns.map(([, cell]) => cell(i)), {"data-cycle": additionCycle(sum, i)}));
  if (!about.constant) rows.unshift(totalRow(columns, "kept", "kept from the step before", "", kept));
  const [text, total] = about.constant ? ["bias; the current", current] : ["bias; the membrane", membrane];
  rows.push(totalRow(columns, "bias", text, signed(bias), total));
  rows.at(-1).className = "sum";
  $("additions").replaceChildren(tableHead(columns.map(([name]) => name)), el("tbody", {}, ...rows));
}

// [heading, cell of an addition] of each column.
function additionColumns(sum) {
  const {about} = sum, {layer} = state, address = i => get(layer, "address")[i], tap = i => get(layer, "tap")[i];
  const inFrame = part => i => String(place(about.frame, address(i))[part]);
  return [
    ["cycle", i => cycleButton(additionCycle(sum, i))],
    ...(layer ? [["from layer: neuron", i => sourceButton(address(i))]] : []),
    ["address", i => count(address(i))],
    ...(isMap(about.frame) ? [["row", inFrame(0)], ["column", inFrame(1)], ["channel", inFrame(2)]] : []),
    ...(about.kernel ? [["tap ky, kx", i => `${Math.floor(tap(i) / about.kernel)}, ${tap(i) % about.kernel}`]] : []),
    ...(about.constant ? [["pixel", i => count(get(layer, "value")[i])]] : []),
    ["weight", i => count(sum.weight(i))],
    [about.shift > 1 ? `adds (${TIMES} ${about.shift})` : "adds", i => count(sum.adds(i))],
    ["sum", i => count(sum.total(i))],
  ];
}

function additionCycle({channel}, i) {
  return get(state.layer, "cycle")[i * width(state.layer, "cycle") + get(state.layer, "group")[channel]];
}

// A button that chooses the neuron whose spike was added.
function sourceButton(address) {
  const {layer, step} = state, source = sourcesOf(layer, address).find(n => spikes(layer - 1, step, n));
  if (source === undefined) return "";
  const choose = () => setNeuron(layer - 1, source);
  return el("button", {type: "button", title: "Show the neuron that spiked", onclick: choose},
    `${layers[layer - 1].number}: ${source}`);
}

function totalRow(columns, name, text, adds, total) {
  return el("tr", {"data-name": name}, el("td", {colspan: columns.length - 2, style: "text-align: left"}, text),
    el("td", {}, adds), el("td", {}, count(total)));
}

// Mark the addition that is made in the chosen cycle.
function markAddition() {
  for (const row of $("additions").querySelectorAll("tr.now")) row.classList.remove("now");
  const row = $("additions").querySelector(`tr[data-cycle="${state.cycle}"]`);
  if (row) row.classList.add("now");
}
