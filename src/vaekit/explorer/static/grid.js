// The window of the map, decoded as a sheet of images in their places.

import { byId, classes, options } from "./state.js";
import { pixels } from "./picture.js";
import { png, save } from "./png.js";
import { fixed } from "./text.js";

const SIDES = [5, 10, 15, 20, 30];
const AT_ONCE = 16;
const ROOM = 44; // pixels for the coordinates beside a sheet
const LARGE = 600; // pixels that a saved sheet has at least
const HINT = "Decodes the square in the middle of the map, in its place.";

export function gridCard(facts, space, map, nets, state) {
  byId("grid-card").hidden = false;
  options(byId("grid-side"), SIDES.map((side) => `${side} × ${side}`), 2);
  let made = null, basis = null, wanted = 0;

  byId("grid-make").addEventListener("click", async () => {
    const mine = ++wanted;
    made = null;
    byId("stage").scrollIntoView({ block: "nearest" }); // on a phone it may be far up
    const side = SIDES[Number(byId("grid-side").value)];
    const square = map.square();
    const cell = Math.max(facts.shape[1], facts.shape[2]); // a square, as the map has the same unit both ways
    const sheet = new OffscreenCanvas(side * cell, side * cell);
    sheet.getContext("2d").fillRect(0, 0, sheet.width, sheet.height);
    state.set({ path: null }); // one that plays would go on to other codes
    const { z, y, directions } = state;
    basis = { z, y };
    const cells = Array.from({ length: side * side }, (_, i) => i);
    for (let start = 0; start < cells.length; start += AT_ONCE) {
      const some = cells.slice(start, start + AT_ONCE);
      const codes = some.map((index) => space.at(z, directions, ...centre(square, side, index)));
      const decoded = await nets.decode(joined(codes), joined(some.map(() => y)), some.length);
      if (mine !== wanted) return;
      const length = decoded.length / some.length;
      some.forEach((index, i) => place(sheet, pixels(decoded.subarray(i * length, (i + 1) * length), facts), index, side));
      byId("grid-facts").textContent = `${start + some.length} of ${cells.length} images`;
      state.set({ sheet: { image: sheet, ...square } });
      await new Promise((done) => setTimeout(done)); // the page goes on meanwhile
    }
    const range = (from, to) => `${fixed(from, square.side)} to ${fixed(to, square.side)}`;
    const of = facts.conditional ? [classes(y, facts)] : [];
    made = { sheet, side, square, z: Array.from(z), y, names: directions.map(({ name }) => name), of };
    byId("grid-save").disabled = false;
    byId("grid-facts").textContent =
      [...of, ""].join(": ") + `${made.names[0]}: ${range(square.left, square.left + square.side)}; ${made.names[1]}: ${range(square.top - square.side, square.top)}` +
      (space.size > 2 ? "; all else as it is here." : ".");
  });
  const drop = () => {
    wanted++;
    made = basis = null;
    byId("grid-facts").textContent = HINT;
    state.set({ sheet: null });
  };
  const elsewhere = ({ z, y }) => {
    const rest = (code) => space.at(code, state.directions, 0, 0); // what the map does not show
    const before = rest(z);
    return y.some((weight, i) => weight !== state.y[i]) || rest(state.z).some((value, i) => Math.abs(value - before[i]) > 1e-3);
  };
  state.on(["z", "y"], () => basis && elsewhere(basis) && drop());
  byId("grid-clear").addEventListener("click", drop);
  state.on(["directions"], drop);
  byId("grid-save").addEventListener("click", async () => save(await png(framed(made), note(facts, made)), `${facts.name}-grid.png`));
  state.on(["sheet"], () => {
    byId("grid-clear").disabled = !state.sheet;
    byId("grid-save").disabled = !made;
  });
}

/** The place of a cell's middle, cells counted from the upper left. */
function centre({ left, top, side: length }, side, index) {
  const [line, column] = [Math.floor(index / side), index % side];
  return [left + ((column + 0.5) * length) / side, top - ((line + 0.5) * length) / side];
}

function joined(parts) {
  const whole = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, i) => whole.set(part, i * part.length));
  return whole;
}

function place(sheet, image, index, side) {
  const cell = sheet.width / side;
  const [x, y] = [(index % side) * cell + (cell - image.width) / 2, Math.floor(index / side) * cell + (cell - image.height) / 2];
  sheet.getContext("2d").putImageData(image, Math.floor(x), Math.floor(y));
}

/** What a saved sheet says of itself. */
function note(facts, { side, square, names, z, y }) {
  const { left, top, side: length } = square;
  const place = { across: names[0], up: names[1], left, right: left + length, bottom: top - length, top };
  return JSON.stringify({ run: facts.name, ...place, side, z, ...(facts.conditional && { y: Array.from(y) }) });
}

/** The sheet with its coordinates beside it. */
function framed({ sheet, square, names, of }) {
  const times = Math.max(1, Math.ceil(LARGE / sheet.width));
  const [width, height] = [sheet.width * times, sheet.height * times];
  const canvas = new OffscreenCanvas(width + ROOM + 12, height + ROOM);
  const pen = canvas.getContext("2d");
  Object.assign(pen, { fillStyle: "#ffffff", imageSmoothingEnabled: false });
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(sheet, ROOM, 6, width, height);
  Object.assign(pen, { fillStyle: "#222222", font: "12px sans-serif", textAlign: "center" });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    pen.fillText(fixed(square.left + share * square.side, square.side), Math.min(ROOM + share * width, canvas.width - 16), height + 22);
    pen.textAlign = "right";
    pen.fillText(fixed(square.top - share * square.side, square.side), ROOM - 5, Math.max(14, 6 + share * height));
    pen.textAlign = "center";
  }
  pen.fillText([`across ${names[0]}, up ${names[1]}`, ...of].join(", "), ROOM + width / 2, height + 38);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}
