// The card of a grid: the visible part of the map, decoded as images at their positions.

import { toImageData } from "./canvas.js";
import { byId, download, setOptions } from "./dom.js";
import { formatFixed } from "./format.js";
import { encodePng } from "./png.js";
import { describeClasses } from "./state.js";

const SIDES = [5, 10, 15, 20, 30]; // images per side
const DEFAULT_SIDE = 2; // its index
const BATCH_SIZE = 16;
const AXIS_SPACE = 44; // pixels for the labels of an axis
const TOP_MARGIN = 6;
const RIGHT_MARGIN = 12;
const MIN_SAVED_SIZE = 600; // pixels
const HINT = "Decodes the square in the middle of the map, each image at its position.";

export function gridCard(facts, space, map, model, state) {
  byId("grid-card").hidden = false;
  setOptions(byId("grid-side"), SIDES.map((side) => `${side} × ${side}`), DEFAULT_SIDE);
  let finished = null;
  let base = null; // code and class weights that the grid was started from
  let started = 0; // number of grids so far: an outdated one stops

  async function decodeGrid() {
    const number = ++started;
    finished = null;
    byId("stage").scrollIntoView({ block: "nearest" }); // on a phone it may be out of view
    state.set({ path: null }); // a playing path would change the code
    const { z, y, directions } = state;
    base = { z, y };
    const side = SIDES[Number(byId("grid-side").value)];
    const square = map.square();
    const image = emptyImage(facts, side);
    for (let start = 0; start < side * side; start += BATCH_SIZE) {
      const count = Math.min(BATCH_SIZE, side * side - start);
      const cells = Array.from({ length: count }, (_, i) => start + i);
      const codes = cells.map((cell) => space.at(z, directions, ...cellCenter(square, side, cell)));
      const weights = concatenate(cells.map(() => y));
      const values = await model.decode(concatenate(codes), weights, count);
      if (number !== started) return;
      drawCells(image, values, cells, side, facts);
      byId("grid-facts").textContent = `${start + count} of ${side * side} images`;
      state.set({ grid: { image, ...square } });
      await new Promise((resolve) => setTimeout(resolve)); // the page stays responsive
    }
    const names = directions.map(({ name }) => name);
    finished = { image, side, square, names, z: Array.from(z), y };
    byId("grid-save").disabled = false;
    byId("grid-facts").textContent = describe(finished, facts, space);
  }

  function clearGrid() {
    started++;
    finished = null;
    base = null;
    byId("grid-facts").textContent = HINT;
    state.set({ grid: null });
  }

  /** Whether the code differs from the grid's in directions that the map does not show. */
  function hasLeftPlane() {
    const outside = (code) => space.at(code, state.directions, 0, 0);
    const before = outside(base.z);
    const sameClass = base.y.every((weight, i) => weight === state.y[i]);
    return !sameClass || outside(state.z).some((value, i) => Math.abs(value - before[i]) > 1e-3);
  }

  state.on(["z", "y"], () => base && hasLeftPlane() && clearGrid());
  state.on(["directions"], clearGrid);
  state.on(["grid"], () => {
    byId("grid-clear").disabled = !state.grid;
    byId("grid-save").disabled = !finished;
  });
  byId("grid-decode").addEventListener("click", decodeGrid);
  byId("grid-clear").addEventListener("click", clearGrid);
  byId("grid-save").addEventListener("click", async () => {
    const file = await encodePng(addAxes(finished, facts), note(finished, facts));
    download(file, `${facts.name}-grid.png`);
  });
}

function emptyImage(facts, side) {
  const cell = Math.max(facts.shape[1], facts.shape[2]); // square: both axes have the same unit
  const image = new OffscreenCanvas(side * cell, side * cell);
  image.getContext("2d").fillRect(0, 0, image.width, image.height);
  return image;
}

/** The coordinates of the center of a cell; cells are counted from the upper left. */
function cellCenter({ left, top, side: length }, side, cell) {
  const row = Math.floor(cell / side);
  const column = cell % side;
  return [left + ((column + 0.5) * length) / side, top - ((row + 0.5) * length) / side];
}

function concatenate(parts) {
  const result = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, i) => result.set(part, i * part.length));
  return result;
}

/** Draw decoded values, each image in the middle of its cell. */
function drawCells(image, values, cells, side, facts) {
  const context = image.getContext("2d");
  const length = values.length / cells.length;
  const size = image.width / side;
  cells.forEach((cell, i) => {
    const pixels = toImageData(values.subarray(i * length, (i + 1) * length), facts);
    const x = (cell % side) * size + (size - pixels.width) / 2;
    const y = Math.floor(cell / side) * size + (size - pixels.height) / 2;
    context.putImageData(pixels, Math.floor(x), Math.floor(y));
  });
}

function describe({ square, names, y }, facts, space) {
  const { left, top, side } = square;
  const range = (from, to) => `${formatFixed(from, side)} to ${formatFixed(to, side)}`;
  const classes = facts.conditional ? `${describeClasses(y, facts)}: ` : "";
  const xRange = `${names[0]}: ${range(left, left + side)}`;
  const yRange = `${names[1]}: ${range(top - side, top)}`;
  const rest = space.dim > 2 ? "; all other dimensions are fixed." : ".";
  return `${classes}${xRange}; ${yRange}${rest}`;
}

/** The text of a saved grid. */
function note({ side, square, names, z, y }, facts) {
  const { left, top, side: length } = square;
  const [x_axis, y_axis] = names;
  const edges = { left, right: left + length, bottom: top - length, top };
  const weights = facts.conditional ? { y: Array.from(y) } : {};
  return JSON.stringify({ run: facts.name, x_axis, y_axis, ...edges, side, z, ...weights });
}

/** The grid with labeled axes, as ImageData. */
function addAxes({ image, square, names, y }, facts) {
  const factor = Math.max(1, Math.ceil(MIN_SAVED_SIZE / image.width));
  const size = image.width * factor;
  const canvas = new OffscreenCanvas(size + AXIS_SPACE + RIGHT_MARGIN, size + AXIS_SPACE);
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, AXIS_SPACE, TOP_MARGIN, size, size);

  Object.assign(context, { fillStyle: "#222222", font: "12px sans-serif", textAlign: "center" });
  for (const fraction of [0, 0.25, 0.5, 0.75, 1]) {
    const offset = fraction * size;
    const xText = formatFixed(square.left + fraction * square.side, square.side);
    const yText = formatFixed(square.top - fraction * square.side, square.side);
    context.fillText(xText, Math.min(AXIS_SPACE + offset, canvas.width - 16), size + 22);
    context.textAlign = "right";
    context.fillText(yText, AXIS_SPACE - 5, Math.max(14, TOP_MARGIN + offset));
    context.textAlign = "center";
  }
  const title = [`x axis ${names[0]}, y axis ${names[1]}`];
  if (facts.conditional) title.push(describeClasses(y, facts));
  context.fillText(title.join(", "), AXIS_SPACE + size / 2, size + 38);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
