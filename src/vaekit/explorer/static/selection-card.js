// The card of the selection: mean loss terms, counts per class, examples, and a table as CSV.

import { byId, download, element } from "./dom.js";
import { formatCount, formatNumber, shorten } from "./format.js";

const MAX_BARS = 12;
const HINT = "Draw a lasso or a box on the map.";

export function selectionCard(facts, arrays, space, state) {
  state.on(["selection"], () => {
    const { selection } = state;
    byId("selection-facts").textContent = selection ? summarize(selection, facts, arrays) : HINT;
    byId("selection-save").disabled = !selection;
    byId("selection-clear").disabled = !selection;
    const bars = selection && arrays.labels ? classBars(selection, facts, arrays) : [];
    byId("selection-classes").replaceChildren(...bars);
  });
  state.on(["hiddenClasses"], () => {
    if (!state.selection) return;
    const isVisible = (index) => !state.hiddenClasses.has(arrays.labels[index]);
    const selection = state.selection.filter(isVisible);
    state.set({ selection: selection.length ? selection : null });
  });
  byId("selection-card").addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    state.set({ selection: null });
    byId("overlay").focus(); // the map, whose keys are in use
  });
  byId("selection-clear").addEventListener("click", () => state.set({ selection: null }));
  byId("selection-save").addEventListener("click", () => {
    const lines = Array.from(csvLines(state.selection, facts, arrays, space));
    download(new Blob(lines, { type: "text/csv" }), `${facts.name}-selection.csv`);
  });
}

/** Bring the card into view, and the keyboard to it. */
export function showSelectionCard() {
  const card = byId("selection-card");
  card.scrollIntoView({ block: "nearest" });
  card.focus({ preventScroll: true });
}

function summarize(selection, facts, arrays) {
  const width = facts.terms.length;
  const means = facts.terms.map((name, i) => {
    const sum = selection.reduce((total, index) => total + arrays.terms[index * width + i], 0);
    return `${name} ${formatNumber(sum / selection.length)}`;
  });
  const count = selection.length.toLocaleString("en");
  return `${count} of ${formatCount(facts.examples, "example")}; mean ${means.join(", ")} nats`;
}

function classBars(selection, facts, arrays) {
  const counts = new Map();
  for (const index of selection) {
    const label = arrays.labels[index];
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const largest = [...counts].sort((a, b) => b[1] - a[1]).slice(0, MAX_BARS);
  return largest.map(([label, count]) => {
    const bar = element("div", "bar");
    const meter = Object.assign(element("meter"), { max: selection.length, value: count });
    const name = element("span", "name", shorten(facts.classes[label], 14));
    bar.append(name, meter, element("span", "count", count.toLocaleString("en")));
    return bar;
  });
}

/** Lines of a table for `vaekit decode`: file, example, class, z1, ..., index1, ..., loss terms. */
function* csvLines(selection, facts, arrays, space) {
  const positions = facts.latent.discrete?.positions ?? 0;
  const header = [
    ...(facts.files.length ? ["file"] : []),
    "example",
    ...(arrays.labels ? ["class"] : []),
    ...numberedNames("z", space.dim),
    ...numberedNames("index", positions),
    ...facts.terms,
  ];
  yield `${header.join(",")}\n`;
  const width = facts.terms.length;
  for (const index of selection) {
    const cells = [
      ...(facts.files.length ? [quote(fileCell(facts.files[index]))] : []),
      index,
      ...(arrays.labels ? [quote(toCell(facts.classes[arrays.labels[index]]))] : []),
      ...space.code(index),
      ...(space.indices(index) ?? []),
      ...arrays.terms.subarray(index * width, (index + 1) * width),
    ];
    yield `${cells.join(",")}\n`;
  }
}

function numberedNames(name, count) {
  return Array.from({ length: count }, (_, i) => `${name}${i + 1}`);
}

const FORMULA = /^'*[=+\-@\t\r＝＋－＠]/;
const NUMBER = /^[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?$/;

/** Text as a cell: what a spreadsheet would compute begins with an apostrophe. */
function toCell(text) {
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

/** The name of a file as a cell; it remains a path. */
function fileCell(name) {
  return FORMULA.test(name) ? `./${name}` : name;
}

function quote(text) {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
