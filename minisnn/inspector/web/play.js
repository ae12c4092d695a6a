// Playing cycle by cycle, and the tour that follows one spike.

let playing = null;

function togglePlay() {
  if (playing === null) play();
  else pause();
}

function play() {
  if (state.cycle >= cycles - 1) setCycle(0);
  let last = performance.now(), owed = 0;
  const tick = now => {
    owed += (now - last) / 1000 * Number($("speed").value);
    last = now;
    const whole = Math.floor(owed);
    owed -= whole;
    if (whole) setCycle(state.cycle + whole);
    if (state.cycle >= cycles - 1) return pause();
    playing = requestAnimationFrame(tick);
  };
  playing = requestAnimationFrame(tick);
  $("play").textContent = "Pause";
}

function pause() {
  cancelAnimationFrame(playing);
  playing = null;
  $("play").textContent = "Play";
}

// The addition to the chosen neuron that is shown first: that of the greatest amount, or null if none is stored.
function greatestAddition() {
  if (dropped(state.layer, state.step)) return null;
  const sum = sumOf((name, t) => get(state.layer, name)[t * size(layers[state.layer].shape) + state.neuron]);
  return sum.rows.reduce((best, i) => best === null || sum.adds(i) > sum.adds(best.i) ? {i, ...about(sum, i)} : best,
    null);
}

function about(sum, i) {
  return {cycle: additionCycle(sum, i), address: get(state.layer, "address")[i], adds: sum.adds(i), weight: sum.weight(i)};
}

// The stops of the tour: [what is shown, its words]; each chooses a cycle.
function tour() {
  const {layer, neuron, step} = state, channels = size(layers[layer].shape), addition = greatestAddition();
  if (dropped(layer, step))
    return [["exit-title", meta.decided, "This step was dropped: the image was answered before."]];
  const at = name => get(layer, name)[step * channels + neuron];
  const fires = spikes(layer, step, neuron), here = `neuron ${neuron} of layer ${layers[layer].number}`;
  const stops = [["neuron-section", at("turn_cycle"), `This is the membrane of ${here} over the steps. In step ${step} it is `
    + `${count(at("mem"))}, ${fires ? "above" : "not above"} its threshold. Where does it come from?`]];
  if (addition) stops.push(
    ["network-title", addition.cycle, `${layer ? "The black squares are the spikes" : "Inputs"} that are added to it. One of `
      + `them comes from address ${count(addition.address)} of the frame.`],
    ["at-title", addition.cycle, `In cycle ${count(addition.cycle)} the lane adds its weight, ${count(addition.weight)}: the `
      + `sum grows by ${count(addition.adds)}. The table shows what every layer does in this very cycle.`],
    ["sum-title", addition.cycle, "The equation has all additions of the step; the marked row of the table is this one."]);
  stops.push(
    ["gantt-title", at("turn_cycle"), `When all inputs are added, the firing pass visits the neurons. In cycle `
      + `${count(at("turn_cycle"))} it is the turn of ${here}.`],
    ["at-title", at("known_cycle"), `In cycle ${count(at("known_cycle"))} it is known that it ${fires ? "spikes" : "is silent"}. `
      + "That is the way of one spike. Click any square to follow another."]);
  return stops;
}

// The page opens on the addition that adds most to the chosen neuron, or on its turn in the firing pass.
function openingCycle() {
  const {layer, neuron, step} = state;
  if (dropped(layer, step)) return meta.decided;
  return greatestAddition()?.cycle ?? get(layer, "turn_cycle")[step * size(layers[layer].shape) + neuron];
}

let stops = [], stop = 0;

function startTour() {
  pause();
  [stops, stop] = [tour(), 0];
  showStop();
}

function showStop() {
  const box = $("tour");
  box.hidden = stop >= stops.length;
  if (box.hidden) return;
  const [id, cycle, words] = stops[stop];
  setCycle(cycle);
  $("tour-words").textContent = `${stop + 1} of ${stops.length}: ${words}`;
  $("tour-next").textContent = stop === stops.length - 1 ? "Done" : "Next";
  $(id).scrollIntoView({block: "start", behavior: "instant"});
}

function listenPlay() {
  $("play").addEventListener("click", togglePlay);
  $("follow").addEventListener("click", startTour);
  $("tour-next").addEventListener("click", () => { stop++; showStop(); });
  $("tour-end").addEventListener("click", () => $("tour").hidden = true);
}
