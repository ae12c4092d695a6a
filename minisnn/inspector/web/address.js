// The state in the address, so that a link or a reload shows the same: #layer=2&neuron=5&step=3&cycle=1711.

const NAMED = ["layer", "neuron", "step", "cycle"];  // layers as they are shown, from 1

function writeAddress() {
  const values = {...state, layer: state.layer + 1};
  const text = "#" + NAMED.map(name => `${name}=${values[name]}`).join("&");
  if (location.hash !== text) history.replaceState(null, "", text);
}

// What an address asks for, as far as it exists; what does not is refused with a word.
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1)), chosen = {};
  const numbers = {layer: [1, layers.length], step: [0, steps - 1], cycle: [0, cycles - 1]};
  const read = (name, [low, high]) => {
    if (!asked.has(name)) return;
    const value = Number(asked.get(name));
    if (Number.isInteger(value) && value >= low && value <= high) chosen[name] = value;
    else refuse(name, asked.get(name), low, high);
  };
  for (const [name, range] of Object.entries(numbers)) read(name, range);
  if ("layer" in chosen) chosen.layer--;
  const layer = chosen.layer ?? state.layer;
  read("neuron", [0, size(layers[layer].shape) - 1]);
  if ("layer" in chosen && !("neuron" in chosen)) chosen.neuron = 0;
  return chosen;
}

function refuse(name, value, low, high) {
  $("refused").textContent = `There is no ${name} ${value}: choose one from ${count(low)} to ${count(high)}.`;
}
