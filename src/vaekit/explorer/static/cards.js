// The cards about one place and one row: what is decoded, what the row is, an image of the reader's own.

import { byId, oneHot, options } from "./state.js";
import { readOwn, takesImages } from "./own.js";
import { clear, isImage, paint } from "./picture.js";
import { png, save } from "./png.js";
import { fixed, number } from "./text.js";

const NAMED = 6; // dimensions that a place is told in
const REST = 60; // milliseconds that a pointer rests before a row is fetched

/** What the decoder makes of the place that is looked at. */
export function decodedCard(facts, space, prior, nets, state) {
  const canvas = byId("decoded");
  const order = facts.latent.order?.slice(0, NAMED).sort((a, b) => a - b);
  let last = null;
  state.on(["z", "y"], () => {
    nets.request("decoded", state.z, state.y, (values) => {
      last = values;
      paint(canvas, values, facts);
      canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1);
      const place = order?.map((i) => `z${i + 1} = ${fixed(state.z[i])}`) ?? [];
      const more = order && facts.latent.size > order.length ? [`… of ${facts.latent.size}`] : [];
      byId("place").textContent = [...place, ...more, `decoded in ${nets.milliseconds.toFixed(1)} ms`].join(" · ");
    });
  });
  if (facts.conditional) {
    byId("label-choice").hidden = false;
    options(byId("label"), facts.classes, state.label);
    byId("label").addEventListener("change", (event) => {
      const label = Number(event.target.value);
      state.set({ label, y: oneHot(label, facts) });
    });
    state.on(["label"], () => (byId("label").value = state.label));
  }
  if (prior) {
    byId("sample").hidden = false;
    byId("sample").addEventListener("click", () => state.set({ z: prior.sample(state.label), y: oneHot(state.label, facts), held: true, path: null }));
  }
  byId("save-decoded").hidden = !isImage(facts);
  byId("save-decoded").addEventListener("click", async () => {
    const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    if (last) save(await png(image, JSON.stringify({ run: facts.name, z: Array.from(state.z) })), `${facts.name}-decoded.png`);
  });
}

/** The row behind a dot. */
export function rowCard(facts, arrays, space, source, nets, state) {
  let timer;
  const classOf = (row) => (arrays.labels ? arrays.labels[row] : 0);
  state.on(["row"], () => {
    clearTimeout(timer);
    const { row } = state;
    if (row === null) return;
    byId("to-row").disabled = false;
    byId("row-facts").textContent = describe(row, facts, arrays);
    nets.request("row", space.code(row), oneHot(classOf(row), facts), (values) => paint(byId("reconstruction"), values, facts));
    timer = setTimeout(() => show(row), REST);
  });

  async function show(row) {
    const values = await source.original(row);
    if (state.row !== row) return;
    byId("original-caption").textContent = values ? "Original" : "Original: not in this file";
    if (values) paint(byId("original"), values, facts);
    else clear(byId("original"));
  }

  byId("to-row").addEventListener("click", () => {
    const label = facts.conditional ? classOf(state.row) : state.label;
    state.set({ z: space.code(state.row), label, y: oneHot(label, facts), held: true, path: null });
  });
}

function describe(row, facts, arrays) {
  const width = facts.terms.length;
  const terms = facts.terms.map((name, i) => `${name} ${number(arrays.terms[row * width + i])} nats`);
  const named = arrays.labels ? [`class ${facts.classes[arrays.labels[row]]}`] : [];
  return [`Row ${row}`, ...named, ...terms].join(" · ");
}

/** An image that is dropped or chosen: encoded, placed, decoded again. */
export function ownCard(facts, nets, state) {
  if (!takesImages(facts)) return;
  byId("own-card").hidden = false;
  let file = null;

  async function take() {
    if (!file) return;
    try {
      const x = await readOwn(file, facts, byId("invert").checked);
      const z = Float32Array.from(await nets.encode(x, state.y));
      byId("own-pair").hidden = false;
      paint(byId("own-original"), x, facts);
      paint(byId("own-reconstruction"), await nets.decode(z, state.y), facts);
      byId("own-facts").textContent = `${file.name} is the star on the map` + (facts.conditional ? `, as of class ${facts.classes[state.label]}.` : ".");
      state.set({ own: z, z, held: true, path: null });
    } catch (error) {
      byId("own-facts").textContent = error.message;
    }
  }

  byId("own-file").addEventListener("change", (event) => ((file = event.target.files[0] ?? null), take()));
  byId("invert").addEventListener("change", take);
  addEventListener("dragover", (event) => (event.preventDefault(), document.body.classList.add("dropping")));
  addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("dropping"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    file = event.dataTransfer.files[0] ?? null;
    take();
  });
}
