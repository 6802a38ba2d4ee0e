// The map: dots, what is drawn over them, and what pointers and keys do there.

import { Camera, extent } from "./camera.js";
import { watch } from "./gestures.js";
import { Neighbours } from "./neighbours.js";
import { Overlay } from "./overlay.js";
import { Points } from "./points.js";
import { byId, look, options, say } from "./state.js";
import { count } from "./text.js";
import { classColour, watchTheme } from "./theme.js";

const NEAR_ROW = 14; // pixels
const MARGIN = 24; // pixels from the edge, for a place that is brought into the window
const ALPHA = 0.9;
const NO_DOTS = "This browser has no WebGL 2: the dots of the map cannot be drawn.";

export class Map2D {
  constructor(facts, arrays, space, prior, state) {
    Object.assign(this, { facts, space, prior, state, labels: arrays.labels, camera: new Camera(), height: 0, corner: null });
    this.kept = arrays.kept ? new Set(arrays.kept) : null; // rows whose originals are in the page
    this.groups = this.labels ? facts.classes.length : 0;
    this.overlay = new Overlay(byId("overlay"), this.camera);
    this.#start();
    byId("points").addEventListener("webglcontextlost", (event) => event.preventDefault()); // as it may be given back
    byId("points").addEventListener("webglcontextrestored", () => this.#start());
    this.#chooseDirections();
    new ResizeObserver(() => this.#resize()).observe(byId("stage"));
    this.#resize();
    state.on(["directions"], () => this.#place());
    state.on(["hidden"], () => this.#colour());
    state.on(["selection"], () => (this.points?.select(state.selection), this.draw()));
    state.on(["z", "held"], () => state.held && this.#reveal());
    state.on(["z", "row", "held", "ends", "own", "label", "sheet", "line", "path"], () => this.draw(false));
    watchTheme(() => this.#colour());
    watch(byId("overlay"), () => document.querySelector("input[name=tool]:checked").value, this.#gestures());
    byId("zoom-in").addEventListener("click", () => this.#zoom(1.5));
    byId("zoom-out").addEventListener("click", () => this.#zoom(1 / 1.5));
    byId("fit").addEventListener("click", () => this.#fit());
  }

  /** Where a code is on the map. */
  spot(z) {
    const [x, y] = this.state.directions.map((direction) => this.space.along(direction, z));
    return [x, this.state.directions[1].kind === "spread" ? this.height : y];
  }

  /** Left, top and side of the square in the middle of the window. */
  square() {
    const side = Math.min(this.camera.width, this.camera.height) / this.camera.scale;
    return { left: this.camera.x - side / 2, top: this.camera.y + side / 2, side };
  }

  /** The rows that are not hidden by their class. */
  shown = (row) => !this.labels || !this.state.hidden.has(this.labels[row]);

  /** Draw in the next frame, however often it is asked for until then; the dots only where they have changed. */
  draw(dots = true) {
    this.stale ||= dots;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const ratio = Math.min(2, devicePixelRatio || 1);
      if (this.stale) this.points?.draw(this.camera, ratio);
      this.stale = false;
      this.overlay.draw(this.#drawn(), ratio);
    });
  }

  /** The dots, with all that is known of them by now. */
  #start() {
    this.points = Points.on(byId("points"), this.facts.rows, this.labels, this.groups);
    if (!this.points) byId("message").dataset.always = NO_DOTS;
    say();
    if (!this.points || !this.xs) return;
    this.points.place(this.xs, this.ys);
    this.points.select(this.state.selection);
    this.#colour();
  }

  #drawn() {
    const { state } = this;
    const marks = [{ kind: state.held ? "held" : "probe", at: this.spot(state.z) }];
    if (this.shown(state.row)) marks.unshift({ kind: "row", at: [this.xs[state.row], this.ys[state.row]] });
    if (state.own) marks.push({ kind: "own", at: this.spot(state.own) });
    for (const [name, end] of Object.entries(state.ends)) if (end) marks.push({ kind: name.toUpperCase(), at: this.spot(end.z) });
    const [across, up] = state.directions.map(({ name, kind }) => (kind === "spread" ? "" : name));
    return {
      names: [across, up],
      contours: this.prior?.contours(state.directions, state.label) ?? [],
      sheet: state.sheet,
      path: state.path?.map((z) => this.spot(z)),
      marks: marks.map(({ kind, at: [x, y] }) => ({ kind, x, y })),
      line: state.line,
    };
  }

  #chooseDirections() {
    const { directions } = this.space;
    const selects = [byId("across"), byId("up")];
    const names = directions.map(({ name }) => name);
    selects.forEach((select, i) => {
      options(select, names, this.space.start[i]);
      select.addEventListener("change", () => this.#turn(i, Number(select.value)));
    });
    const choice = directions.length > 2;
    for (const id of ["across-label", "up-label"]) byId(id).hidden = !choice;
  }

  /** Both directions must be of one kind, and not the same: the other one gives way. */
  #turn(which, chosen) {
    const { directions } = this.space;
    const selects = [byId("across"), byId("up")];
    const other = Number(selects[1 - which].value);
    if (other === chosen || directions[other].kind !== directions[chosen].kind) {
      const free = directions.findIndex(({ kind }, i) => kind === directions[chosen].kind && i !== chosen);
      selects[1 - which].value = free;
    }
    this.state.set({ directions: selects.map((select) => directions[Number(select.value)]), sheet: null });
  }

  #place() {
    const { directions } = this.state;
    if (this.corner) say();
    this.corner = null; // it was of another plane
    [this.xs, this.ys] = directions.map((direction) => this.space.coordinates(direction));
    const unit = directions[1].kind === "spread" ? extent(this.xs) / 5 : 1; // a spread has none of its own
    this.ys = this.ys.map((y) => y * unit);
    this.neighbours = new Neighbours(this.xs, this.ys);
    this.points?.place(this.xs, this.ys);
    this.#fit();
  }

  #colour() {
    const { colours } = this.facts;
    const shown = Array.from({ length: Math.max(1, this.groups) }, (_, label) => (this.state.hidden.has(label) ? null : classColour(colours, label)));
    this.points?.colour(shown, ALPHA);
    this.draw();
  }

  #fit() {
    this.camera.fit(this.xs, this.ys);
    this.draw();
  }

  #zoom(factor, px, py) {
    this.camera.zoom(factor, px, py);
    this.draw();
  }

  #resize() {
    const { clientWidth, clientHeight } = byId("stage");
    const first = this.camera.width === 1;
    this.camera.resize(clientWidth, clientHeight);
    if (first && this.xs) this.#fit();
    this.draw();
  }

  #gestures() {
    const { camera, state } = this;
    return {
      hover: (px, py) => state.held || this.#look(px, py),
      press: (px, py) => (this.#look(px, py), state.set({ held: true })),
      tap: (px, py) => {
        if (!state.held) this.#look(px, py);
        state.set({ held: !state.held, path: null });
      },
      hold: () => {
        const row = this.#nearest(...this.spot(state.z), 60);
        state.set({ held: !state.held, path: null, ...(row >= 0 && { row }) });
      },
      pan: (dx, dy) => (camera.pan(dx, dy), this.draw()),
      zoom: (factor, px, py) => this.#zoom(factor, px, py),
      fit: () => this.#fit(),
      line: (line) => state.set({ line: line && this.#world(line) }),
      lined: (line) => this.#select(this.#world(line)),
      step: (dx, dy) => {
        const [px, py] = camera.toScreen(...this.spot(state.z));
        const inside = [Math.min(camera.width, Math.max(0, px + dx)), Math.min(camera.height, Math.max(0, py + dy))];
        this.#look(...inside, Math.sign(dx), Math.sign(dy));
      },
      end: (which) => byId(`set-${which}`).click(),
      corner: () => this.#mark(),
      escape: () => {
        this.corner = null;
        say();
        state.set({ held: false, selection: null, line: null, path: null });
      },
    };
  }

  /** Bring the place that is held into the window, where it was put there from elsewhere. */
  #reveal() {
    const { camera } = this;
    const [px, py] = camera.toScreen(...this.spot(this.state.z));
    const beyond = (at, size) => (at < 0 ? at - MARGIN : at > size ? at - size + MARGIN : 0);
    const [dx, dy] = [beyond(px, camera.width), beyond(py, camera.height)];
    if (!dx && !dy) return;
    camera.pan(-dx, -dy);
    this.draw();
  }

  #world(line) {
    return line.map(([px, py]) => this.camera.toWorld(px, py));
  }

  /** Go to a pixel of the map: any code of a continuous space, the nearest row's of a discrete one. */
  #look(px, py, dx = 0, dy = 0) {
    const { camera, space, state } = this;
    const [x, y] = camera.toWorld(px, py);
    this.height = y;
    if (!space.discrete) {
      const near = this.#near(x, y);
      return look(state, this.facts, space.at(state.z, state.directions, x, y), near >= 0 ? { row: near } : {});
    }
    const ahead = (row) => this.shown(row) && (this.xs[row] - x) * dx >= 0 && (y - this.ys[row]) * dy >= 0 && row !== state.row;
    const row = dx || dy ? this.neighbours.nearest(x, y, 120 / camera.scale, ahead) : this.#nearest(x, y, 120);
    if (row < 0) return;
    const label = this.facts.conditional ? this.labels[row] : state.label;
    return look(state, this.facts, space.code(row), { row, label, indices: space.indices(row) });
  }

  /** The row under the pointer; of several one whose original is at hand. */
  #near(x, y) {
    const within = NEAR_ROW / this.camera.scale;
    const kept = this.neighbours.nearest(x, y, within, (row) => this.kept?.has(row) && this.shown(row));
    return kept >= 0 ? kept : this.neighbours.nearest(x, y, within, this.shown);
  }

  /** The same, or else the nearest row at most so many pixels away. */
  #nearest(x, y, pixels) {
    const near = this.#near(x, y);
    return near >= 0 ? near : this.neighbours.nearest(x, y, pixels / this.camera.scale, this.shown);
  }

  #select(polygon) {
    const selection = this.neighbours.inside(polygon, this.shown);
    this.state.set({ selection, line: null });
    say(`${count(selection.length, "row")} selected; the card Selection has them.`, 6);
  }

  /** One corner of a box by key, then the other. */
  #mark() {
    const here = this.spot(this.state.z);
    if (!this.corner) {
      this.corner = here;
      return say("A corner of a box: go to the one opposite, and press S again.");
    }
    const [[ax, ay], [bx, by]] = [this.corner, here];
    this.corner = null;
    return this.#select([[ax, ay], [bx, ay], [bx, by], [ax, by]]);
  }
}
