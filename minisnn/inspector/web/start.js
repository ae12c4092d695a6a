// The start: listeners first, then arrays in the order in which they are seen.

function showError(error) {
  $("error").hidden = false;
  $("error").textContent = `This page has an error: ${error?.message ?? error}`;
  console.error(error);
}

function listen() {
  for (const key of document.querySelectorAll(".of-exit")) key.hidden = meta.decided === null;
  $("step").max = steps - 1;
  $("cycle").max = $("cycle-number").max = cycles - 1;
  $("layer").append(...layers.map((_, layer) => el("option", {value: layer}, layerOption(layer))));
  $("step").addEventListener("input", () => setStep(+$("step").value));
  $("cycle").addEventListener("input", () => setCycle(+$("cycle").value));
  listenNumber("cycle-number", "cycle", () => cycles, setCycle);
  listenNumber("neuron", "neuron", () => size(layers[state.layer].shape), neuron => setNeuron(state.layer, neuron));
  $("layer").addEventListener("change", () => setNeuron(+$("layer").value, 0));
  for (const id of ["shows-step", "shows-cycle"]) $(id).addEventListener("change", chooseMaps);
  listenGantt();
  listenPlay();
  addEventListener("hashchange", () => change(readAddress()));
  addEventListener("resize", () => change({}));
}

// A typed number; one that does not exist is refused, and becomes the present one when the field is left.
function listenNumber(id, name, howMany, set) {
  $(id).addEventListener("input", () => {
    const text = $(id).value, value = Number(text), exists = Number.isInteger(value) && value >= 0 && value < howMany();
    $(id).setAttribute("aria-invalid", text !== "" && !exists);
    if (text === "") return;
    if (exists) set(value);
    else refuse(name, text, 0, howMany() - 1);
  });
  $(id).addEventListener("blur", () => { $(id).value = state[name]; $(id).setAttribute("aria-invalid", false); });
}

function chooseMaps() {
  change({showsCycle: $("shows-cycle").checked});
  const names = layers.map((_, layer) => `${layer}.known_cycle`);
  if (state.showsCycle) Promise.all(names.map(load)).then(() => change({})).catch(showError);
}

async function start() {
  if (typeof DecompressionStream === "undefined")
    throw new Error("this browser is too old: it has no DecompressionStream");
  makeMaps();
  listen();
  const spikeArrays = [...(meta.constant ? [] : ["input"]), ...layers.map((_, layer) => `${layer}.spk`)];
  await Promise.all(["image", ...spikeArrays].map(load));
  drawPicture();
  draw();
  await Promise.all(layers.flatMap((_, layer) => cycleArrays(layer)).map(load));
  await Promise.all(neuronArrays(state.layer).map(load));
  const asked = readAddress();
  Object.assign(state, asked);
  await Promise.all(neuronArrays(state.layer).map(load));
  opened = true;
  change("cycle" in asked ? {} : {cycle: openingCycle()});
  listenTraining();
}

addEventListener("unhandledrejection", event => showError(event.reason));
start().catch(showError);
