// The table of one cycle: what each layer does in it.

function drawCycle() {
  $("at-cycle").textContent = count(state.cycle);
  const available = loaded(layers.flatMap((_, layer) => cycleArrays(layer)));
  $("at").setAttribute("aria-busy", !available);
  if (!available) return;
  const value = (layer, name) => get(layer, "at." + name)[state.cycle];
  const number = name => layer => countOrDash(value(layer, name));
  const where = name => layer => placeOrDash(layers[layer].frame, value(layer, name));
  const rows = [  // label, name of Doing's field, text of a layer
    ["phase", "phase", layer => meta.phases[value(layer, "phase")]],
    ["step (if idle, the last)", "step", number("step")],
    ["scanner hands over input at address", "handed", number("handed")],
    [`${INDENT}row, column, channel`, "", where("handed")],
    ["adds input at address", "adding", number("adding")],
    [`${INDENT}row, column, channel`, "", where("adding")],
    [`${INDENT}tap ky ${TIMES} k + kx`, "tap", number("tap")],
    [`${INDENT}word of weights`, "weight_word", number("weight_word")],
    [`${INDENT}word of membranes`, "membrane_word", number("membrane_word")],
    ["firing pass at word of membranes", "firing_word", number("firing_word")],
    ["writes word of the next frame", "written_word", number("written_word")],
  ];
  const names = layers.map(layer => el("span", {}, layer.number, el("span", {class: "name"}, `: ${layer.notation}`)));
  $("at").replaceChildren(tableHead(["layer", ...names]), el("tbody", {}, ...rows.map(cycleRow)));
}

function cycleRow([label, name, textOf]) {
  const cells = layers.map((_, layer) => textOf(layer));
  return el("tr", {"data-name": name}, el("th", {scope: "row"}, label),
    ...cells.map(text => el("td", {class: text === "waits" ? "stall" : null}, text)));
}
