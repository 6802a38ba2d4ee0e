// The card of a path between two positions: moved along, played, saved as an animation.

import { hasImages, toImageData } from "./canvas.js";
import { byId, download, setOptions } from "./dom.js";
import { formatNumber } from "./format.js";
import { linear, spherical } from "./latent-space.js";
import { encodeApng } from "./png.js";
import { describeClasses } from "./state.js";

const INTERPOLATIONS = { linear, spherical };
const PLAY_SECONDS = 3; // one way
const FRAMES = 24; // of an animation, one way
const FRAME_MILLISECONDS = 80;
const MIN_ANIMATION_SIZE = 160; // pixels that small images are enlarged to
const MAP_SEGMENTS = 48;
const HINT = "Choose a start and an end: pin a position, or go to the code of an example.";

export function pathCard(facts, arrays, space, prior, model, state) {
  byId("path-card").hidden = false;
  const names = prior && facts.latent.dim > 1 ? ["linear", "spherical"] : ["linear"];
  setOptions(byId("interpolation"), names);
  const path = new Path(state, () => INTERPOLATIONS[names[Number(byId("interpolation").value)]]);
  const slider = byId("path-position");

  function goToFraction(t) {
    slider.value = t;
    state.set({ ...path.at(t), pinned: true, path: path.line() });
  }

  const stop = playButton(state, goToFraction);
  for (const name of ["a", "b"]) {
    byId(`set-${name}`).addEventListener("click", () => {
      const z = Float32Array.from(state.z);
      const endpoint = { z, y: state.y, name: describeEndpoint(z, state.y, facts, arrays, space) };
      state.set({ endpoints: { ...state.endpoints, [name]: endpoint } });
    });
  }
  byId("clear-path").addEventListener("click", () => {
    state.set({ endpoints: { a: null, b: null }, path: null });
  });
  slider.addEventListener("input", () => {
    stop();
    goToFraction(Number(slider.value));
  });
  byId("interpolation").addEventListener("change", () => {
    if (path.isComplete()) goToFraction(Number(slider.value));
  });
  byId("save-path").hidden = !hasImages(facts);
  byId("save-path").addEventListener("click", () => saveAnimation(facts, model, path));

  state.on(["endpoints"], () => {
    const complete = path.isComplete();
    const { a, b } = state.endpoints;
    for (const id of ["play", "path-position", "save-path"]) byId(id).disabled = !complete;
    byId("clear-path").disabled = !a && !b;
    byId("path-facts").textContent = complete ? describe(a, b) : HINT;
    if (complete) state.set({ path: path.line() });
  });
}

class Path {
  constructor(state, interpolation) {
    Object.assign(this, { state, interpolation });
  }

  isComplete() {
    const { a, b } = this.state.endpoints;
    return Boolean(a && b);
  }

  /** The code and class weights at a fraction of the path. */
  at(t) {
    const { a, b } = this.state.endpoints;
    return { z: this.interpolation()(a.z, b.z, t), y: linear(a.y, b.y, t) };
  }

  /** Codes along the path, for its line on the map. */
  line() {
    return Array.from({ length: MAP_SEGMENTS + 1 }, (_, i) => this.at(i / MAP_SEGMENTS).z);
  }
}

/** The class of an endpoint: that which is decoded, or that of the example with the nearest code. */
function describeEndpoint(z, y, facts, arrays, space) {
  if (facts.conditional) return describeClasses(y, facts);
  if (!arrays.labels) return "";
  const { index, distance } = space.nearest(z);
  const name = `class ${facts.classes[arrays.labels[index]]}`;
  return distance === 0 ? `${name} (example ${index})` : `nearest example: ${name}`;
}

function describe(a, b) {
  const distance = Math.hypot(...a.z.map((value, i) => value - b.z[i]));
  const [from, to] = [["A", a], ["B", b]].map(([letter, { name }]) =>
    name ? `${letter}, ${name},` : letter);
  return `From ${from} to ${to.replace(/,$/, "")}; their distance is ${formatNumber(distance, 3)}.`;
}

/** Let the button move along the path and back; returns the function that stops it. */
function playButton(state, goToFraction) {
  const button = byId("play");
  let frame = null;

  function stop() {
    cancelAnimationFrame(frame);
    frame = null;
    button.textContent = "Play";
  }

  button.addEventListener("click", () => {
    if (frame) return stop();
    button.textContent = "Stop";
    const start = performance.now();
    const step = (now) => {
      const turn = ((now - start) / 1000 / PLAY_SECONDS) % 2;
      goToFraction(turn < 1 ? turn : 2 - turn);
      frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  });
  state.on(["path"], () => frame && !state.path && stop()); // another action left the path
  return stop;
}

async function saveAnimation(facts, model, path) {
  byId("save-path").disabled = true;
  const images = [];
  try {
    for (let i = 0; i < FRAMES; i++) {
      const t = (1 - Math.cos((Math.PI * i) / (FRAMES - 1))) / 2; // slow at both ends
      const { z, y } = path.at(t);
      images.push(enlarge(toImageData(await model.decode(z, y), facts)));
      byId("path-facts").textContent = `${i + 1} of ${FRAMES} images`;
    }
    const loop = [...images, ...images.slice(1, -1).reverse()];
    download(await encodeApng(loop, FRAME_MILLISECONDS), `${facts.name}-path.png`);
    byId("path-facts").textContent = `Saved ${loop.length} images, from A to B and back.`;
  } finally {
    byId("save-path").disabled = false;
  }
}

/** A small image with each pixel repeated. */
function enlarge(image) {
  const largest = Math.max(image.width, image.height);
  const factor = Math.max(1, Math.floor(MIN_ANIMATION_SIZE / largest));
  const canvas = new OffscreenCanvas(image.width * factor, image.height * factor);
  const small = new OffscreenCanvas(image.width, image.height);
  small.getContext("2d").putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
