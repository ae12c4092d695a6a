// The backward pass: the gradient of one weight, taken apart into its factors.

function listenTraining() {
  if (!meta.training) return;
  $("training-section").hidden = false;
  const layer = $("training-layer"), weight = $("training-weight"), neuron = $("training-neuron");
  const weights = () => meta.training.layers[layer.value];
  const drawChosen = () => drawTraining(+layer.value, weights()[weight.value], +neuron.value);
  const listNeurons = () => {
    neuron.replaceChildren(...weights()[weight.value].neurons.map((n, i) =>
      el("option", {value: i}, `${n} ${placeInWords(layers[layer.value].shape, n)}`)));
    drawChosen();
  };
  const listWeights = () => {
    weight.replaceChildren(...weights().map((about, i) =>
      el("option", {value: i}, `${weightName(+layer.value, about.weight)}: ${scientific(about.bptt, 2)}`)));
    listNeurons();
  };
  layer.append(...layers.map((_, l) => el("option", {value: l}, layerOption(l))));
  layer.value = layers.length - 1;
  layer.addEventListener("change", listWeights);
  weight.addEventListener("change", listNeurons);
  neuron.addEventListener("change", drawChosen);
  addEventListener("resize", drawChosen);
  listWeights();
}

function weightName(layer, [a, b, c, d]) {
  return layers[layer].kernel ? `tap ${a}, ${b}; channel ${c} to ${d}` : `input ${a} to neuron ${b}`;
}

function drawTraining(layer, weight, which) {
  const isShared = weight.users > 1, hasDirect = weight.direct[which].some(x => x !== 0);
  drawGradient(layer, weight, which, isShared);
  drawFactors(weight, which, isShared, hasDirect);
  drawTrainingTable(weight, which, isShared, hasDirect);
}

function drawGradient(layer, weight, which, isShared) {
  const neurons = isShared ? ` and ${count(weight.users)} neurons` : "";
  const alone = isShared ? `; the sum of this neuron alone is ${scientific(weight.of_neuron[which])}. ` : ". ";
  $("training-sum").replaceChildren(`Sum over ${steps} steps${neurons}: `, el("b", {}, scientific(weight.gradient)),
    "; backpropagation through time: ", el("b", {}, scientific(weight.bptt)),
    ` (they differ by ${scientific(weight.difference, 1)}). The weight is ${decimal(weight.value)}${alone}`,
    el("button", {type: "button", class: "link", onclick: () => setNeuron(layer, weight.neurons[which])},
      "Show the neuron"));
}

function drawFactors(weight, which, isShared, hasDirect) {
  const factors = [
    ["error that arrives", weight.error[which]],
    ["surrogate at the membrane", weight.surrogate[which]],
    ...(hasDirect ? [["loss by the membrane itself", weight.direct[which]]] : []),
    ["trace of the input's spikes", weight.trace[which]],
    ["product: part of the gradient", weight.products[which]],
    ...(isShared ? [["product, sum over all neurons", weight.total]] : []),
  ];
  $("training-bars").replaceChildren(...factors.map(([name, values]) => barChart(name, values)));
}

function drawTrainingTable(weight, which, isShared, hasDirect) {
  const columns = [  // heading, cell of a step
    ["step", t => String(t)],
    ["error", t => scientific(weight.error[which][t])],
    ["surrogate", t => scientific(weight.surrogate[which][t])],
    ...(hasDirect ? [["direct", t => scientific(weight.direct[which][t])]] : []),
    ["input", t => decimal(weight.inputs[which][t])],
    ["trace", t => decimal(weight.trace[which][t])],
    ["product", t => scientific(weight.products[which][t])],
    ...(isShared ? [["neurons not listed", t => scientific(weight.rest[t])],
                    ["all neurons", t => scientific(weight.total[t])]] : []),
  ];
  const rows = upTo(steps).map(t => tableRow(columns.map(([, cell]) => cell(t))));
  const before = columns.length - (isShared ? 3 : 1);
  const sum = el("tr", {class: "sum"}, el("td", {colspan: before, style: "text-align: left"}, "sum"),
    el("td", {}, scientific(weight.of_neuron[which])),
    ...(isShared ? [el("td"), el("td", {}, scientific(weight.gradient))] : []));
  $("training-table").replaceChildren(tableHead(columns.map(([name]) => name)), el("tbody", {}, ...rows, sum));
}

// A small chart with a bar for each step.
function barChart(name, values) {
  const wide = 280, high = 96, low = Math.min(0, ...values), top = Math.max(0, ...values), span = top - low || 1;
  const y = value => 4 + (top - value) / span * (high - 24), w = (wide - 4) / values.length;
  const bars = values.map((value, t) => svg("rect", {x: 2 + t * w + w * .15, width: w * .7, fill: ACCENT,
    y: Math.min(y(value), y(0)), height: Math.max(Math.abs(y(value) - y(0)), value ? .6 : 0)},
    svg("title", {}, `step ${t}: ${scientific(value)}`)));
  const zero = svg("line", {x1: 0, x2: wide, y1: y(0), y2: y(0), stroke: GREY});
  const every = Math.ceil(values.length / 12), numbered = upTo(values.length).filter(t => t % every === 0);
  const numbers = numbered.map(t => svgText(2 + (t + .5) * w, high - 4, "middle", String(t)));
  const greatest = Math.max(...values.map(Math.abs)).toPrecision(3);
  return el("figure", {}, el("figcaption", {}, name, el("span", {class: "dim"}, ` (up to ${greatest})`)),
    svg("svg", {viewBox: `0 0 ${wide} ${high}`, width: "100%", role: "img", "aria-label": name},
      ...bars, zero, ...numbers));
}
