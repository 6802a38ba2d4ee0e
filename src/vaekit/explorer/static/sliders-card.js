// The card of sliders: one per latent dimension, or per position of a discrete code.

import { byId, element } from "./dom.js";
import { formatFixed } from "./format.js";
import { goTo } from "./state.js";

const COLLAPSED_COUNT = 12;
const MAX_POSITIONS = 64;

export function slidersCard(facts, space, state) {
  const sliders = space.discrete
    ? positionSliders(facts, space, state)
    : dimensionSliders(facts, state);
  if (!sliders.length) return;
  byId("sliders-card").hidden = false;
  byId("sliders-facts").textContent = describe(facts.latent);
  const toggle = byId("sliders-more");
  toggle.hidden = sliders.length <= COLLAPSED_COUNT;

  function list(expanded) {
    const shown = expanded ? sliders : sliders.slice(0, COLLAPSED_COUNT);
    byId("sliders").replaceChildren(...shown.map(({ line }) => line));
    toggle.textContent = expanded ? `The first ${COLLAPSED_COUNT}` : `All ${sliders.length}`;
    toggle.setAttribute("aria-expanded", String(expanded));
  }

  toggle.addEventListener("click", () => list(toggle.getAttribute("aria-expanded") === "false"));
  list(false);
  state.on(["z"], () => sliders.forEach(({ update }) => update()));
}

function describe({ discrete, activity_unit: unit }) {
  if (discrete) return "The codebook entry at each position.";
  const activity = unit === "nats" ? "KL divergence in nats" : "variance of the codes";
  return `The most active first: ${activity}.`;
}

/** One slider per dimension, the most active first. */
function dimensionSliders(facts, state) {
  const { order, low, high, activity } = facts.latent;
  return order.map((dimension) => {
    const name = `z${dimension + 1} · ${formatFixed(activity[dimension])}`;
    const width = high[dimension] - low[dimension] || 10;
    const range = { min: low[dimension], max: high[dimension], step: width / 1000 };
    const set = (value) => {
      const z = Float32Array.from(state.z);
      z[dimension] = value;
      goTo(state, facts, z, { pinned: true });
    };
    const get = () => state.z[dimension];
    return createSlider(name, range, { get, set, format: (value) => formatFixed(value, width) });
  });
}

/** One slider per position, unless there are too many. */
function positionSliders(facts, space, state) {
  const { positions, count } = space.discrete;
  if (positions > MAX_POSITIONS) return [];
  const range = { min: 0, max: count - 1, step: 1 };
  return Array.from({ length: positions }, (_, position) => {
    const set = (value) => {
      const indices = Uint16Array.from(state.indices);
      indices[position] = value;
      goTo(state, facts, space.embed(indices), { indices, pinned: true });
    };
    const get = () => state.indices[position];
    return createSlider(`position ${position + 1}`, range, { get, set, format: String });
  });
}

function createSlider(name, range, { get, set, format }) {
  const line = element("label", "slider");
  const input = Object.assign(element("input"), { type: "range", ...range });
  const output = element("output");
  line.append(element("span", "", name), input, output);
  input.addEventListener("input", () => set(Number(input.value)));
  const update = () => {
    const isInUse = document.activeElement === input && Number(input.value) === get();
    if (!isInUse) input.value = get();
    output.textContent = format(get());
  };
  return { line, update };
}
