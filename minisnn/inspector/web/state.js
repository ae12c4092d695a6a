// What is chosen (layer, neuron, step, cycle, the cycles that the chart shows), and drawing again what depends on it.

const state = {...meta.opening, cycle: 0, showsCycle: false, from: 0, to: cycles};
const drawnFor = {};  // by drawing function: the values that it last drew
let drawIsDue = false, opened = false;  // opened: the first cycle is chosen

function change(values) {
  Object.assign(state, values);
  if (Object.keys(values).length) $("refused").textContent = "";
  if (!drawIsDue) {
    drawIsDue = true;
    requestAnimationFrame(() => { drawIsDue = false; draw(); });
  }
}

const setStep = step => change({step: Math.max(0, Math.min(steps - 1, step))});

function setCycle(cycle) {
  cycle = Math.max(0, Math.min(cycles - 1, Math.round(cycle)));
  const span = state.to - state.from, isVisible = cycle >= state.from && cycle < state.to;
  change({cycle, ...(isVisible ? {} : visibleCycles(cycle - span / 2, span))});
}

function setNeuron(layer, neuron) {
  change({layer, neuron: Math.max(0, Math.min(size(layers[layer].shape) - 1, neuron))});
}

// Cycles that the chart shows: at least 20, and none outside the image's.
function visibleCycles(from, span) {
  span = Math.max(Math.min(20, cycles), Math.min(cycles, span));
  from = Math.max(0, Math.min(cycles - span, from));
  return {from, to: from + span};
}

function zoom(factor, around = null) {
  const {cycle, from, to} = state, span = to - from;
  const centre = around ?? (cycle >= from && cycle < to ? cycle : from + span / 2);
  change(visibleCycles(centre - (centre - from) * factor, span * factor));
}

function draw() {
  const {layer, neuron, step, cycle, showsCycle, from, to} = state, available = Object.keys(arrays).length;
  const chosen = [layer, neuron, step, loaded(neuronArrays(layer)), innerWidth];
  const parts = [
    [drawSliders, [step, cycle]],
    [drawMaps, [...chosen, showsCycle, showsCycle && cycle, available]],
    [drawPhases, [cycle, available]],
    [drawGantt, [cycle, from, to, innerWidth, available]],
    [drawCycle, [cycle, available]],
    [drawNeuron, chosen],
    [markAddition, [...chosen, cycle]],
  ];
  for (const [part, values] of parts) {
    const key = values.join();
    if (drawnFor[part.name] !== key) {
      part();
      drawnFor[part.name] = key;
    }
  }
  if (opened) writeAddress();
}

function drawSliders() {
  $("step").value = state.step;
  $("step-number").textContent = `${state.step} (0 to ${steps - 1})`;
  $("cycle").value = state.cycle;
  if (document.activeElement !== $("cycle-number")) $("cycle-number").value = state.cycle;
  $("step").setAttribute("aria-valuetext", `step ${state.step}`);
  $("cycle").setAttribute("aria-valuetext", `cycle ${state.cycle}`);
}
