// The cards about one place and one row: what is decoded, what the row is, an image of the reader's own.

import { byId, look, oneHot, options, say } from "./state.js";
import { readOwn, takesImages } from "./own.js";
import { clear, isImage, paint } from "./picture.js";
import { png, save } from "./png.js";
import { fixed, number } from "./text.js";

const NAMED = 6; // dimensions that a place is told in
const REST = 60; // milliseconds that a pointer rests before a row is fetched

/** What the decoder makes of the place that is looked at. */
export function decodedCard(facts, space, prior, nets, state) {
  const canvas = byId("decoded");
  let last = null;
  const tell = () => {
    const place = space.discrete ? [] : coordinates(last.z, facts, space, state.directions);
    byId("place").textContent = [...place, `decoded in ${nets.milliseconds.toFixed(1)} ms`].join(" · ");
  };
  state.on(["directions"], () => last && tell());
  state.on(["z", "y"], () => {
    const { z, y } = state;
    nets.request("decoded", z, y, (values) => {
      last = { z, y };
      paint(canvas, values, facts);
      canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1);
      tell();
    });
  });
  if (facts.conditional) {
    byId("label-choice").hidden = false;
    options(byId("label"), facts.classes, state.label);
    byId("label").addEventListener("change", (event) => {
      const label = Number(event.target.value);
      state.set({ label, y: oneHot(label, facts), path: null });
    });
    state.on(["label", "y"], () => (byId("label").value = state.y[state.label] === 1 ? state.label : "")); // a path mixes classes
  }
  if (prior) {
    byId("sample").hidden = false;
    byId("sample").addEventListener("click", () => {
      const { z, indices } = prior.sample(state.label);
      look(state, facts, z, { indices, held: true });
    });
  }
  byId("save-decoded").hidden = !isImage(facts);
  byId("save-decoded").addEventListener("click", async () => {
    const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    if (last) save(await png(image, note(facts, last)), `${facts.name}-decoded.png`);
  });
}

/** A code along what the map shows, and along the dimensions that carry the most. */
function coordinates(z, facts, space, directions) {
  const { low, high, order, size } = facts.latent;
  const components = directions.filter(({ kind }) => kind === "component").map((direction) => [direction.name.split(" (")[0], space.along(direction, z), 10]);
  const axes = directions.filter(({ kind }) => kind === "axis").map(({ column }) => column);
  const named = [...new Set([...axes, ...order])].slice(0, NAMED).sort((a, b) => a - b);
  const values = [...components, ...named.map((i) => [`z${i + 1}`, z[i], high[i] - low[i] || 10])];
  return [...values.map(([name, value, range]) => `${name} = ${fixed(value, range)}`), ...(size > named.length ? [`… of ${size}`] : [])];
}

/** What a saved picture says of itself: the code, and of a conditional run the weights of the classes. */
function note(facts, { z, y }) {
  return JSON.stringify({ run: facts.name, z: Array.from(z), ...(facts.conditional && { y: Array.from(y) }) });
}

/** The row behind a dot. */
export function rowCard(facts, arrays, space, source, nets, state) {
  let timer;
  const classOf = (row) => (arrays.labels ? arrays.labels[row] : 0);
  state.on(["row"], () => {
    clearTimeout(timer);
    const { row } = state;
    clear(byId("original"));
    byId("row-facts").textContent = describe(row, facts, arrays);
    nets.request("row", space.code(row), oneHot(classOf(row), facts), (values) => paint(byId("reconstruction"), values, facts));
    timer = setTimeout(() => show(row), REST);
  });

  async function show(row) {
    const found = await source.original(row).catch(() => "the server does not answer");
    if (state.row !== row) return;
    const missing = typeof found === "string" ? found : found ? "" : "not in this file";
    byId("original-caption").textContent = missing ? `Original: ${missing}` : "Original";
    if (!missing) paint(byId("original"), found, facts);
  }

  byId("to-row").addEventListener("click", () => {
    const label = facts.conditional ? classOf(state.row) : state.label;
    look(state, facts, space.code(state.row), { label, indices: space.indices(state.row), held: true });
  });
}

function describe(row, facts, arrays) {
  const width = facts.terms.length;
  const drawn = facts.drawn ? " at one draw of z" : ""; // not at the mean, which the picture shows
  const terms = facts.terms.map((name, i) => `${name} ${number(arrays.terms[row * width + i])} nats${i ? "" : drawn}`);
  const named = arrays.labels ? [`class ${facts.classes[arrays.labels[row]]}`] : [];
  return [`Row ${row}`, ...named, ...terms].join(" · ");
}

/** An image that is dropped or chosen: encoded, placed, decoded again. */
export function ownCard(facts, nets, state) {
  if (!takesImages(facts)) {
    addEventListener("drop", () => say("What is dropped cannot be encoded: the rows of this run are no images.", 8));
    return;
  }
  byId("own-card").hidden = false;
  let file = null;

  async function take() {
    const mine = file;
    if (!mine) return;
    const { label } = state;
    const y = oneHot(label, facts);
    let told = `${mine.name} is the star on the map` + (facts.conditional ? `, as of class ${facts.classes[label]}.` : ".");
    let made = null;
    byId("own-facts").textContent = `Reading ${mine.name} …`;
    try {
      const { values, transparent } = await readOwn(mine, facts, byId("invert").checked);
      if (transparent) told += " What is transparent in it was taken for black.";
      const code = await nets.encode(values, y);
      made = { values, ...code, decoded: await nets.decode(code.z, y) };
    } catch (error) {
      told = error.message;
    }
    if (mine !== file) return; // another one was chosen meanwhile
    byId("own-facts").textContent = told;
    say(told, 8);
    byId("own-pair").hidden = byId("own-clear").hidden = !made;
    if (!made) return void state.set({ own: null });
    paint(byId("own-original"), made.values, facts);
    paint(byId("own-reconstruction"), made.decoded, facts);
    look(state, facts, made.z, { own: made.z, label, indices: made.indices, held: true });
  }

  const given = (files) => {
    if (!files.length) return; // a dialog that was closed, or text that was dropped
    file = files[0];
    take();
  };
  byId("own-file").addEventListener("change", (event) => given(event.target.files));
  byId("invert").addEventListener("change", take);
  byId("own-clear").addEventListener("click", () => {
    file = null;
    byId("own-file").value = byId("own-facts").textContent = "";
    byId("invert").checked = false;
    byId("own-pair").hidden = byId("own-clear").hidden = true;
    state.set({ own: null });
  });
  addEventListener("dragover", () => document.body.classList.add("dropping"));
  addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("dropping"));
  addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    given(event.dataTransfer.files);
  });
}
