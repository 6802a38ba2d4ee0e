// One slider for each latent dimension, the most active first; of a discrete space for each position, if they are few.

import { byId, element, look } from "./state.js";
import { fixed } from "./text.js";

const FIRST = 12;
const MOST_POSITIONS = 64;

export function slidersCard(facts, space, state) {
  const sliders = space.discrete ? positions(facts, space, state) : dimensions(facts, state);
  if (!sliders.length) return;
  byId("sliders-card").hidden = false;
  const { unit } = facts.latent;
  byId("sliders-facts").textContent = space.discrete ? "Which entry of the codebook is at each position." : `The most active first: ${unit === "nats" ? "divergence in nats" : "variance of the codes"}.`;
  const more = byId("sliders-more");
  more.hidden = sliders.length <= FIRST;
  const list = (all) => {
    byId("sliders").replaceChildren(...sliders.slice(0, all ? sliders.length : FIRST).map(({ line }) => line));
    more.textContent = all ? `The first ${FIRST}` : `All ${sliders.length}`;
    more.setAttribute("aria-expanded", String(all));
  };
  more.addEventListener("click", () => list(more.getAttribute("aria-expanded") === "false"));
  list(false);
  state.on(["z"], () => sliders.forEach(({ show }) => show()));
}

function dimensions(facts, state) {
  const { order, low, high, activity } = facts.latent;
  return order.map((dimension) => {
    const about = `z${dimension + 1} · ${fixed(activity[dimension])}`;
    const put = (value) => {
      const z = Float32Array.from(state.z);
      z[dimension] = value;
      look(state, facts, z, { held: true });
    };
    const extent = high[dimension] - low[dimension] || 10;
    const show = (value) => fixed(value, extent);
    return slider(about, [low[dimension], high[dimension], extent / 1000], put, () => state.z[dimension], show);
  });
}

function positions(facts, space, state) {
  const { positions: count, count: entries } = space.discrete;
  if (count > MOST_POSITIONS) return [];
  return Array.from({ length: count }, (_, position) => {
    const put = (value) => {
      const indices = Uint16Array.from(state.indices);
      indices[position] = value;
      look(state, facts, space.embed(indices), { indices, held: true });
    };
    return slider(`position ${position + 1}`, [0, entries - 1, 1], put, () => state.indices[position], String);
  });
}

function slider(about, [min, max, step], put, get, told) {
  const line = element("label", "slider");
  const input = Object.assign(element("input"), { type: "range", min, max, step });
  const output = element("output");
  line.append(element("span", "", about), input, output);
  input.addEventListener("input", () => put(Number(input.value)));
  const show = () => {
    if (document.activeElement !== input || Number(input.value) !== get()) input.value = get();
    output.textContent = told(get());
  };
  return { line, show };
}
