// The card of the decoded position: the image, its coordinates, the class, samples of the prior.

import { drawExample, hasImages } from "./canvas.js";
import { byId, download, setOptions } from "./dom.js";
import { formatFixed } from "./format.js";
import { encodePng } from "./png.js";
import { goTo, oneHot } from "./state.js";

const MAX_COORDINATES = 6;

export function decodedCard(facts, space, prior, model, state) {
  const canvas = byId("decoded");
  let last = null; // the code and class weights of the image that is shown

  function showCoordinates() {
    const words = space.discrete ? [] : coordinates(last.z, facts, space, state.directions);
    words.push(`decoded in ${model.milliseconds.toFixed(1)} ms`);
    byId("coordinates").textContent = words.join(" · ");
  }

  state.on(["directions"], () => last && showCoordinates());
  state.on(["z", "y"], () => {
    const { z, y } = state;
    model.request("decoded", z, y, (values) => {
      last = { z, y };
      drawExample(canvas, values, facts);
      canvas.dataset.drawCount = String(Number(canvas.dataset.drawCount ?? 0) + 1);
      showCoordinates();
    });
  });
  if (facts.conditional) classChoice(facts, state);
  if (prior) sampleButton(facts, prior, state);
  byId("save-decoded").hidden = !hasImages(facts);
  byId("save-decoded").addEventListener("click", async () => {
    if (!last) return;
    const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    download(await encodePng(image, note(facts, last)), `${facts.name}-decoded.png`);
  });
}

function classChoice(facts, state) {
  const select = byId("label");
  byId("label-choice").hidden = false;
  setOptions(select, facts.classes, state.label);
  select.addEventListener("change", () => {
    const label = Number(select.value);
    state.set({ label, y: oneHot(label, facts), path: null });
  });
  state.on(["label", "y"], () => {
    const isOneClass = state.y[state.label] === 1; // a path mixes classes
    select.value = isOneClass ? state.label : "";
  });
}

function sampleButton(facts, prior, state) {
  byId("sample").hidden = false;
  byId("sample").addEventListener("click", () => {
    const { z, indices } = prior.sample(state.label);
    goTo(state, facts, z, { indices, pinned: true });
  });
}

/** A code along the axes of the map, and along the most active dimensions. */
function coordinates(z, facts, space, directions) {
  const { low, high, order, dim } = facts.latent;
  const components = directions
    .filter(({ kind }) => kind === "component")
    .map((direction) => [direction.name.split(" (")[0], space.along(direction, z), 10]);
  const shown = directions.filter(({ kind }) => kind === "axis").map(({ column }) => column);
  const dimensions = [...new Set([...shown, ...order])].slice(0, MAX_COORDINATES);
  dimensions.sort((a, b) => a - b);
  const axes = dimensions.map((i) => [`z${i + 1}`, z[i], high[i] - low[i] || 10]);
  const words = [...components, ...axes].map(
    ([name, value, range]) => `${name} = ${formatFixed(value, range)}`,
  );
  if (dim > dimensions.length) words.push(`… of ${dim}`);
  return words;
}

/** The text of a saved image: the code and, of a conditional run, the class weights. */
function note(facts, { z, y }) {
  const weights = facts.conditional ? { y: Array.from(y) } : {};
  return JSON.stringify({ run: facts.name, z: Array.from(z), ...weights });
}
