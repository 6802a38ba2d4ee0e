// Thumbnails of selected examples, loaded when they come into view.

import { drawExample, hasImages } from "./canvas.js";
import { byId, element } from "./dom.js";

const MAX_THUMBNAILS = 24;

/** Show some of the selected examples, spread evenly; a click shows the example in its card. */
export function thumbnails(facts, arrays, content, state) {
  if (!hasImages(facts)) return;
  const list = byId("selection-thumbnails");
  const embedded = arrays.original_indices ? new Set(arrays.original_indices) : null;
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      load(target, content, facts);
    }
  });
  state.on(["selection"], () => {
    observer.disconnect();
    const available = Array.from(state.selection ?? []).filter((i) => !embedded || embedded.has(i));
    const buttons = spread(available).map((index) => thumbnail(index, facts, arrays, state));
    list.replaceChildren(...buttons);
    for (const button of buttons) observer.observe(button);
  });
}

/** At most 24 of the indices, spread evenly. */
function spread(indices) {
  const count = Math.min(MAX_THUMBNAILS, indices.length);
  return Array.from({ length: count }, (_, i) => indices[Math.floor((i * indices.length) / count)]);
}

function thumbnail(index, facts, arrays, state) {
  const name = arrays.labels ? `, class ${facts.classes[arrays.labels[index]]}` : "";
  const title = `Example ${index}${name}`;
  const button = Object.assign(element("button"), { type: "button", title, ariaLabel: title });
  button.dataset.index = index;
  button.append(element("canvas"));
  button.addEventListener("click", () => state.set({ example: index }));
  return button;
}

async function load(button, content, facts) {
  const values = await content.original(Number(button.dataset.index));
  if (values) drawExample(button.firstChild, values, facts);
}
