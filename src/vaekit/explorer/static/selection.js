// Classes that are shown, and rows that are chosen.

import { byId, element } from "./state.js";
import { save } from "./png.js";
import { classColour, watchTheme } from "./theme.js";
import { count, number, shortened } from "./text.js";

const MOST_BARS = 12;

/** A button for each class: the first press shows that class alone, further ones add and remove. */
export function legend(facts, arrays, state) {
  if (!arrays.labels) return;
  const counts = facts.classes.map(() => 0);
  for (const label of arrays.labels) counts[label]++;
  const every = Object.assign(element("button", "", "All"), { type: "button" });
  every.addEventListener("click", () => state.set({ hidden: new Set() }));
  const buttons = facts.classes.map((name, label) => {
    const button = Object.assign(element("button"), { type: "button", title: `${name}: ${count(counts[label], "row")}`, ariaLabel: name });
    button.append(swatch(), element("span", "name", shortened(name)));
    button.addEventListener("click", () => state.set({ hidden: pressed(state.hidden, label, facts.classes.length) }));
    return button;
  });
  byId("legend").replaceChildren(every, ...buttons);
  state.on(["hidden"], () => buttons.forEach((button, label) => button.setAttribute("aria-pressed", String(!state.hidden.has(label)))));
  watchTheme(() => buttons.forEach((button, label) => colourSwatch(button.firstChild, facts, label)));
}

function pressed(hidden, label, classes) {
  if (hidden.size === 0) return new Set(Array.from({ length: classes }, (_, i) => i).filter((i) => i !== label));
  const now = new Set(hidden);
  if (!now.delete(label)) now.add(label);
  return now.size === classes ? new Set() : now;
}

function swatch() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1 -1 2 2");
  svg.classList.add("swatch");
  svg.append(document.createElementNS(svg.namespaceURI, "path"));
  return svg;
}

const SHAPES = ["M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0", "M-.9-.9H.9V.9H-.9Z", "M0-1 1 0 0 1-1 0Z", "M0-1 1 .9H-1Z"];

function colourSwatch(svg, { colours }, label) {
  svg.firstChild.setAttribute("d", SHAPES[Math.floor(label / 10) % SHAPES.length]);
  svg.firstChild.setAttribute("fill", `rgb(${classColour(colours, label)})`);
}

export function selectionCard(facts, arrays, space, state) {
  state.on(["selection"], () => {
    const rows = state.selection;
    byId("selection-facts").textContent = rows ? summary(rows, facts, arrays) : "Draw a lasso or a box on the map.";
    byId("selection-save").disabled = !rows?.length;
    byId("selection-clear").disabled = !rows;
    byId("selection-classes").replaceChildren(...(rows && arrays.labels ? bars(rows, facts, arrays) : []));
  });
  state.on(["hidden"], () => {
    if (state.selection) state.set({ selection: state.selection.filter((row) => !state.hidden.has(arrays.labels[row])) });
  });
  byId("selection-clear").addEventListener("click", () => state.set({ selection: null }));
  byId("selection-save").addEventListener("click", () => {
    save(new Blob(table(state.selection, facts, arrays, space), { type: "text/csv" }), `${facts.name}-selection.csv`);
  });
}

function summary(rows, facts, arrays) {
  if (!rows.length) return "No rows in there.";
  const width = facts.terms.length;
  const means = facts.terms.map((name, i) => `${name} ${number(rows.reduce((sum, row) => sum + arrays.terms[row * width + i], 0) / rows.length)}`);
  return `${rows.length.toLocaleString("en")} of ${facts.rows.toLocaleString("en")} rows; mean ${means.join(", ")} nats`;
}

function bars(rows, facts, arrays) {
  const counts = new Map();
  for (const row of rows) counts.set(arrays.labels[row], (counts.get(arrays.labels[row]) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_BARS);
  return most.map(([label, amount]) => {
    const bar = element("div", "bar");
    const meter = Object.assign(element("meter"), { max: rows.length, value: amount });
    bar.append(element("span", "name", shortened(facts.classes[label], 14)), meter, element("span", "count", amount.toLocaleString("en")));
    return bar;
  });
}

/** Lines of a table that `vaekit decode` reads: row, class, z1 ..., of a discrete space index1 ..., and the terms of the loss. */
function* table(rows, facts, arrays, space) {
  const numbered = (name, count) => Array.from({ length: count }, (_, i) => `${name}${i + 1}`);
  const { discrete } = facts.latent;
  const columns = [...numbered("z", space.size), ...(discrete ? numbered("index", discrete.positions) : [])];
  yield `${["row", ...(arrays.labels ? ["class"] : []), ...columns, ...facts.terms].join(",")}\n`;
  for (const row of rows) {
    const named = arrays.labels ? [quoted(facts.classes[arrays.labels[row]])] : [];
    const indices = discrete ? arrays.indices.subarray(row * discrete.positions, (row + 1) * discrete.positions) : [];
    const terms = arrays.terms.subarray(row * facts.terms.length, (row + 1) * facts.terms.length);
    yield `${[row, ...named, ...space.code(row), ...indices, ...terms].join(",")}\n`;
  }
}

function quoted(text) {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
