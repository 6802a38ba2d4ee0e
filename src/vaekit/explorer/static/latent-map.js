// The map of latent codes: points, the overlay, and the actions of pointers and keys.

import { Camera, centralWidth } from "./camera.js";
import { classColor } from "./class-style.js";
import { byId, setOptions, showMessage } from "./dom.js";
import { formatCount } from "./format.js";
import { listenToGestures } from "./gestures.js";
import { Overlay } from "./overlay.js";
import { Points } from "./points.js";
import { SpatialIndex } from "./spatial-index.js";
import { goTo } from "./state.js";
import { onThemeChange } from "./theme.js";

const POINTER_RADIUS = 14; // pixels around the pointer in which an example is shown
const PIN_RADIUS = 60; // the same, for the key that pins
const SNAP_RADIUS = 120; // the same, on the map of discrete codes
const MARGIN = 24; // pixels between the edge and a position that is moved into view
const ZOOM_STEP = 1.5;
const MAX_PIXEL_RATIO = 2;
const OPACITY = 0.9;
const NO_WEBGL = "This browser has no WebGL 2: the points of the map cannot be drawn.";

export class LatentMap {
  constructor(facts, arrays, space, prior, state) {
    Object.assign(this, { facts, space, prior, state, labels: arrays.labels });
    this.camera = new Camera();
    this.jitterHeight = 0;
    this.corner = null; // the first corner of a box, set by key
    this.onSelect = () => {}; // called when examples have been selected on the map
    const embedded = arrays.original_indices; // examples whose originals are in the page
    this.embedded = embedded ? new Set(embedded) : null;
    this.classCount = this.labels ? facts.classes.length : 0;
    this.overlay = new Overlay(byId("overlay"), this.camera);
    this.#startPoints();
    this.#setAxisOptions();
    new ResizeObserver(() => this.#resize()).observe(byId("stage"));
    this.#resize();
    this.#listen();
  }

  /** The position [x, y] of a latent code on the map. */
  position(z) {
    const [x, y] = this.state.directions.map((direction) => this.space.along(direction, z));
    return [x, this.#isJittered() ? this.jitterHeight : y];
  }

  /** Left, top and side of the largest square in the middle of the map. */
  square() {
    const side = Math.min(this.camera.width, this.camera.height) / this.camera.scale;
    return { left: this.camera.x - side / 2, top: this.camera.y + side / 2, side };
  }

  /** Whether the class of an example is visible. */
  isVisible = (index) => !this.labels || !this.state.hiddenClasses.has(this.labels[index]);

  /** Draw in the next frame, once for all calls until then; the points only if they changed. */
  draw(withPoints = true) {
    this.pointsChanged ||= withPoints;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const ratio = Math.min(MAX_PIXEL_RATIO, devicePixelRatio || 1);
      if (this.pointsChanged) this.points?.draw(this.camera, ratio);
      this.pointsChanged = false;
      this.overlay.draw(this.#overlayContent(), ratio);
    });
  }

  #listen() {
    const { state } = this;
    const canvas = byId("points");
    // A lost context is restored only if the default action is prevented.
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.#startPoints());
    state.on(["directions"], () => this.#placePoints());
    state.on(["hiddenClasses"], () => this.#setColors());
    state.on(["selection"], () => {
      this.points?.select(state.selection);
      this.draw();
    });
    state.on(["z", "pinned"], () => state.pinned && this.#moveIntoView());
    const drawn = ["z", "example", "pinned", "endpoints", "upload", "label", "grid", "outline"];
    state.on([...drawn, "path"], () => this.draw(false));
    onThemeChange(() => this.draw(false));
    const tool = () => document.querySelector("input[name=tool]:checked").value;
    listenToGestures(byId("overlay"), tool, this.#gestureHandlers());
    byId("zoom-in").addEventListener("click", () => this.#zoom(ZOOM_STEP));
    byId("zoom-out").addEventListener("click", () => this.#zoom(1 / ZOOM_STEP));
    byId("fit").addEventListener("click", () => this.#fit());
  }

  /** Create the points, also after a restored context, in their current state. */
  #startPoints() {
    const { examples, shapes } = this.facts;
    this.points = Points.create(byId("points"), examples, this.labels, this.classCount, shapes);
    if (!this.points) byId("message").dataset.permanent = NO_WEBGL;
    showMessage();
    if (!this.points || !this.xs) return;
    this.points.place(this.xs, this.ys);
    this.points.select(this.state.selection);
    this.#setColors();
  }

  #overlayContent() {
    const { state } = this;
    const names = state.directions.map(({ name, kind }) => (kind === "jitter" ? "" : name));
    return {
      axisNames: names,
      contours: this.#contours(),
      grid: state.grid,
      path: state.path?.map((z) => this.position(z)),
      marks: this.#marks(),
      outline: state.outline,
    };
  }

  #marks() {
    const { state } = this;
    const marks = [];
    const add = (kind, [x, y]) => marks.push({ kind, x, y });
    const { example } = state;
    if (this.isVisible(example)) add("example", [this.xs[example], this.ys[example]]);
    add(state.pinned ? "pinned" : "decoded", this.position(state.z));
    if (state.upload) add("upload", this.position(state.upload));
    for (const [name, endpoint] of Object.entries(state.endpoints)) {
      if (endpoint) add(name.toUpperCase(), this.position(endpoint.z));
    }
    return marks;
  }

  #setAxisOptions() {
    const { directions, initial } = this.space;
    const names = directions.map(({ name }) => name);
    this.axisSelects = [byId("x-axis"), byId("y-axis")];
    this.axisSelects.forEach((select, i) => {
      setOptions(select, names, initial[i]);
      select.addEventListener("change", () => this.#changeAxis(i, Number(select.value)));
      select.parentElement.hidden = directions.length <= 2;
    });
  }

  /** Show a direction on one axis; if the other axis is the same or of another kind, change it. */
  #changeAxis(axis, index) {
    const { directions } = this.space;
    const { kind } = directions[index];
    const otherSelect = this.axisSelects[1 - axis];
    const other = Number(otherSelect.value);
    if (other === index || directions[other].kind !== kind) {
      const isFree = (direction, i) => direction.kind === kind && i !== index;
      otherSelect.value = directions.findIndex(isFree);
    }
    const selected = this.axisSelects.map((select) => directions[Number(select.value)]);
    this.state.set({ directions: selected, grid: null });
  }

  #isJittered() {
    return this.state.directions[1].kind === "jitter";
  }

  #placePoints() {
    if (this.corner) showMessage();
    this.corner = null; // it belonged to another plane
    const [xDirection, yDirection] = this.state.directions;
    this.xs = this.space.coordinates(xDirection);
    this.ys = this.space.coordinates(yDirection);
    if (this.#isJittered()) {
      const unit = centralWidth(this.xs) / 5; // jitter has no unit of its own
      this.ys = this.ys.map((y) => y * unit);
    }
    this.index = new SpatialIndex(this.xs, this.ys);
    this.points?.place(this.xs, this.ys);
    this.#fit();
  }

  #setColors() {
    const { hiddenClasses } = this.state;
    const colorOf = (label) => classColor(this.facts, label);
    const colors = Array.from({ length: Math.max(1, this.classCount) }, (_, label) =>
      hiddenClasses.has(label) ? null : colorOf(label));
    this.points?.setColors(colors, OPACITY);
    this.draw();
  }

  /** Show every code and the outer contour of the prior. */
  #fit() {
    const border = this.#contours().at(-1)?.lines.flat() ?? [];
    const [xs, ys] = [0, 1].map((axis) => border.map((point) => point[axis]));
    this.camera.fit([...xs, ...this.xs], [...ys, ...this.ys]);
    this.draw();
  }

  #contours() {
    return this.prior?.contours(this.state.directions, this.state.label) ?? [];
  }

  #zoom(factor, px, py) {
    this.camera.zoom(factor, px, py);
    this.draw();
  }

  #pan(dx, dy) {
    this.camera.pan(dx, dy);
    this.draw();
  }

  #resize() {
    const { clientWidth, clientHeight } = byId("stage");
    const isFirst = this.camera.width === 1;
    this.camera.resize(clientWidth, clientHeight);
    if (isFirst && this.xs) this.#fit();
    this.draw();
  }

  #gestureHandlers() {
    const { state } = this;
    return {
      hover: (px, py) => state.pinned || this.#decodeAt(px, py),
      touch: (px, py) => {
        this.#decodeAt(px, py);
        state.set({ pinned: true });
      },
      click: (px, py) => {
        if (!state.pinned) this.#decodeAt(px, py);
        state.set({ pinned: !state.pinned, path: null });
      },
      pin: () => {
        const example = this.#nearestExample(...this.position(state.z), PIN_RADIUS);
        state.set({ pinned: !state.pinned, path: null, ...(example >= 0 && { example }) });
      },
      pan: (dx, dy) => this.#pan(dx, dy),
      zoom: (factor, px, py) => this.#zoom(factor, px, py),
      fit: () => this.#fit(),
      outline: (outline) => state.set({ outline: outline && this.#toMap(outline) }),
      select: (outline) => this.#select(this.#toMap(outline)),
      step: (dx, dy) => this.#step(dx, dy),
      endpoint: (name) => byId(`set-${name}`).click(),
      corner: () => this.#setCorner(),
      escape: () => {
        this.corner = null;
        showMessage();
        state.set({ pinned: false, selection: null, outline: null, path: null });
      },
    };
  }

  /** Move the decoded position by some pixels, within the map. */
  #step(dx, dy) {
    const { camera } = this;
    const [px, py] = camera.toScreen(...this.position(this.state.z));
    const x = Math.min(camera.width, Math.max(0, px + dx));
    const y = Math.min(camera.height, Math.max(0, py + dy));
    this.#decodeAt(x, y, Math.sign(dx), Math.sign(dy));
  }

  /** Move the pinned position into view, if another part of the page has set it. */
  #moveIntoView() {
    const { camera } = this;
    const [px, py] = camera.toScreen(...this.position(this.state.z));
    const dx = beyond(px, camera.width);
    const dy = beyond(py, camera.height);
    if (dx || dy) this.#pan(-dx, -dy);
  }

  #toMap(outline) {
    return outline.map(([px, py]) => this.camera.toMap(px, py));
  }

  /** Decode at a pixel: any code of a continuous space, the nearest example's of a discrete one.
   * A step (dx, dy) by key looks for that example in its direction. */
  #decodeAt(px, py, dx = 0, dy = 0) {
    const { space, state } = this;
    const [x, y] = this.camera.toMap(px, py);
    this.jitterHeight = y;
    if (space.discrete) return this.#decodeNearest(x, y, dx, dy);
    const near = this.#exampleAt(x, y);
    const z = space.at(state.z, state.directions, x, y);
    return goTo(state, this.facts, z, near >= 0 ? { example: near } : {});
  }

  #decodeNearest(x, y, dx, dy) {
    const { space, state } = this;
    const example = dx || dy
      ? this.#nextExample(x, y, dx, dy)
      : this.#nearestExample(x, y, SNAP_RADIUS);
    if (example < 0) return;
    const label = this.facts.conditional ? this.labels[example] : state.label;
    const indices = space.indices(example);
    goTo(state, this.facts, space.code(example), { example, label, indices });
  }

  /** The nearest example in the direction of a step. */
  #nextExample(x, y, dx, dy) {
    const isAhead = (i) => (this.xs[i] - x) * dx >= 0 && (y - this.ys[i]) * dy >= 0;
    const isNext = (i) => this.isVisible(i) && isAhead(i) && i !== this.state.example;
    return this.index.nearest(x, y, SNAP_RADIUS / this.camera.scale, isNext);
  }

  /** The example under the pointer or -1; of several, one whose original is in the page. */
  #exampleAt(x, y) {
    const radius = POINTER_RADIUS / this.camera.scale;
    const isEmbedded = (i) => this.embedded?.has(i) && this.isVisible(i);
    const example = this.index.nearest(x, y, radius, isEmbedded);
    return example >= 0 ? example : this.index.nearest(x, y, radius, this.isVisible);
  }

  /** The example under the pointer, otherwise the nearest one within some pixels, or -1. */
  #nearestExample(x, y, pixels) {
    const example = this.#exampleAt(x, y);
    if (example >= 0) return example;
    return this.index.nearest(x, y, pixels / this.camera.scale, this.isVisible);
  }

  #select(polygon) {
    const selection = this.index.inside(polygon, this.isVisible);
    this.state.set({ selection: selection.length ? selection : null, outline: null });
    if (!selection.length) return showMessage("No examples there.", 6);
    showMessage(`${formatCount(selection.length, "example")} selected.`, 6);
    return this.onSelect();
  }

  /** Set one corner of a box by key, then the opposite one, which selects. */
  #setCorner() {
    const position = this.position(this.state.z);
    if (!this.corner) {
      this.corner = position;
      return showMessage("First corner of a box set. Move to the opposite corner and press S.");
    }
    const [ax, ay] = this.corner;
    const [bx, by] = position;
    this.corner = null;
    return this.#select([[ax, ay], [bx, ay], [bx, by], [ax, by]]);
  }
}

/** How far a pixel is outside of [0, size], with a margin; 0 inside. */
function beyond(pixel, size) {
  if (pixel < 0) return pixel - MARGIN;
  return pixel > size ? pixel - size + MARGIN : 0;
}
