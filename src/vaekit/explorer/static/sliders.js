// One slider for each latent dimension, the most active first; of a discrete space for each position, if they are few.

import { byId, element } from "./state.js";
import { fixed } from "./text.js";

const FIRST = 12;
const MOST_POSITIONS = 64;

export function slidersCard(facts, space, state) {
  const sliders = space.discrete ? positions(facts, space, state) : dimensions(facts, state);
  if (!sliders.length) return;
  byId("sliders-card").hidden = false;
  const { unit } = facts.latent;
  byId("sliders-facts").textContent = space.discrete ? "Which entry of the codebook is at each position." : `The most active first: ${unit === "nats" ? "divergence in nats" : "variance of the codes"}.`;
  byId("sliders").replaceChildren(...sliders.slice(0, FIRST).map(({ line }) => line));
  const more = byId("sliders-more");
  more.hidden = sliders.length <= FIRST;
  more.textContent = `All ${sliders.length}`;
  more.addEventListener("click", () => {
    byId("sliders").replaceChildren(...sliders.map(({ line }) => line));
    more.hidden = true;
  });
  state.on(["z"], () => sliders.forEach(({ show }) => show()));
}

function dimensions(facts, state) {
  const { order, low, high, activity } = facts.latent;
  return order.map((dimension) => {
    const about = `z${dimension + 1} · ${activity[dimension].toFixed(2)}`;
    const put = (value) => {
      const z = Float32Array.from(state.z);
      z[dimension] = value;
      state.set({ z, held: true, path: null });
    };
    return slider(about, low[dimension], high[dimension], 0.01, put, () => state.z[dimension]);
  });
}

function positions(facts, space, state) {
  const { positions: count, count: entries } = space.discrete;
  if (count > MOST_POSITIONS) return [];
  const indices = () => (state.row === null ? new Uint16Array(count) : state.indices ?? space.arrays.indices.subarray(state.row * count, (state.row + 1) * count));
  state.on(["row"], () => (state.indices = null));
  return Array.from({ length: count }, (_, position) => {
    const put = (value) => {
      const now = Uint16Array.from(indices());
      now[position] = value;
      state.set({ z: space.embed(now), indices: now, held: true });
    };
    return slider(`position ${position + 1}`, 0, entries - 1, 1, put, () => indices()[position]);
  });
}

function slider(about, min, max, step, put, get) {
  const line = element("label", "slider");
  const input = Object.assign(element("input"), { type: "range", min, max, step });
  const output = element("output");
  line.append(element("span", "", about), input, output);
  input.addEventListener("input", () => put(Number(input.value)));
  const show = () => {
    if (document.activeElement !== input || Number(input.value) !== get()) input.value = get();
    output.textContent = step < 1 ? fixed(get()) : get();
  };
  return { line, show };
}
