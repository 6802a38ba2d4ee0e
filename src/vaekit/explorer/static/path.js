// A path between two places: looked at, played, saved as an animation.

import { byId, options } from "./state.js";
import { isImage, pixels } from "./picture.js";
import { apng, save } from "./png.js";
import { spherical, straight } from "./space.js";
import { number } from "./text.js";

const COURSES = { straight, spherical };
const SECONDS = 3; // one way
const FRAMES = 24; // one way, of an animation
const LONGEST = 160; // pixels that small images are enlarged to in an animation
const POINTS = 48; // of the line on the map
const HINT = "Choose a start and an end: hold a place on the map, or go to a row's code.";

export function pathCard(facts, prior, nets, state) {
  byId("path-card").hidden = false;
  const names = prior && facts.latent.size > 1 ? ["straight", "spherical"] : ["straight"];
  options(byId("course"), names);
  const course = () => COURSES[names[Number(byId("course").value)]];
  const position = byId("position");
  let playing = null;

  for (const which of ["a", "b"]) {
    byId(`set-${which}`).addEventListener("click", () => {
      state.set({ ends: { ...state.ends, [which]: { z: Float32Array.from(state.z), y: state.y } } });
    });
  }
  const whole = () => state.ends.a && state.ends.b;
  const line = () => Array.from({ length: POINTS + 1 }, (_, i) => course()(state.ends.a.z, state.ends.b.z, i / POINTS));
  const at = (t) => ({ z: course()(state.ends.a.z, state.ends.b.z, t), y: straight(state.ends.a.y, state.ends.b.y, t) });
  const go = (t) => {
    position.value = t;
    state.set({ ...at(t), held: true, path: line() });
  };

  state.on(["ends"], () => {
    for (const id of ["play", "position", "save-path"]) byId(id).disabled = !whole();
    byId("clear-path").disabled = !state.ends.a && !state.ends.b;
    byId("save-path").hidden = !isImage(facts);
    byId("path-facts").textContent = whole() ? `From A to B, ${number(distance(state.ends.a.z, state.ends.b.z), 3)} apart.` : HINT;
    if (whole()) state.set({ path: line() });
  });
  byId("clear-path").addEventListener("click", () => state.set({ ends: { a: null, b: null }, path: null }));
  position.addEventListener("input", () => (stop(), go(Number(position.value))));
  byId("course").addEventListener("change", () => whole() && go(Number(position.value)));

  byId("play").addEventListener("click", () => {
    if (playing) return stop();
    byId("play").textContent = "Stop";
    const start = performance.now();
    const step = (now) => {
      const turn = ((now - start) / 1000 / SECONDS) % 2;
      go(turn < 1 ? turn : 2 - turn);
      playing = requestAnimationFrame(step);
    };
    playing = requestAnimationFrame(step);
  });
  state.on(["path"], () => playing && !state.path && stop()); // somebody has gone elsewhere
  function stop() {
    cancelAnimationFrame(playing);
    playing = null;
    byId("play").textContent = "Play";
  }

  byId("save-path").addEventListener("click", async () => {
    byId("save-path").disabled = true;
    const images = [];
    try {
      for (let i = 0; i < FRAMES; i++) {
        const { z, y } = at((1 - Math.cos((Math.PI * i) / (FRAMES - 1))) / 2); // slowly at both ends, where it turns
        images.push(enlarged(pixels(await nets.decode(z, y), facts)));
        byId("path-facts").textContent = `${i + 1} of ${FRAMES} images`;
      }
      save(await apng([...images, ...images.slice(1, -1).reverse()], 80), `${facts.name}-path.png`);
      byId("path-facts").textContent = `Saved ${2 * FRAMES - 2} images, there and back.`;
    } finally {
      byId("save-path").disabled = false;
    }
  });
}

/** Small images with each pixel as several. */
function enlarged(image) {
  const times = Math.max(1, Math.floor(LONGEST / Math.max(image.width, image.height)));
  const canvas = new OffscreenCanvas(image.width * times, image.height * times);
  const small = new OffscreenCanvas(image.width, image.height);
  small.getContext("2d").putImageData(image, 0, 0);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

function distance(a, b) {
  return Math.hypot(...a.map((value, i) => value - b[i]));
}
