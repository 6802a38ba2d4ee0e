// What the page looks at, and who is told when it changes.

export class State {
  #listeners = [];
  #told = null;

  constructor(values) {
    Object.assign(this, values);
  }

  /** Change fields; listeners are told once, when the code that changes them has come to its end. */
  set(changes) {
    Object.assign(this, changes);
    if (!this.#told) {
      this.#told = new Set();
      queueMicrotask(() => this.#tell());
    }
    for (const name of Object.keys(changes)) this.#told.add(name);
  }

  /** Call `listener` when one of these fields has changed, and once now. */
  on(names, listener) {
    this.#listeners.push({ names, listener });
    listener();
  }

  #tell() {
    const changed = this.#told;
    this.#told = null;
    for (const { names, listener } of this.#listeners) if (names.some((name) => changed.has(name))) listener();
  }
}

export function byId(id) {
  return document.getElementById(id);
}

/** An element with a class and text; never markup, since names of classes come from anywhere. */
export function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

let fading;

/** Tell something on the map, for so many seconds; without a text, what is always true there. */
export function say(text = "", seconds = 0) {
  const message = byId("message");
  clearTimeout(fading);
  message.textContent = text || message.dataset.always || "";
  message.hidden = !message.textContent;
  if (text && seconds) fading = setTimeout(say, 1000 * seconds);
}

export function options(select, names, chosen = 0) {
  select.replaceChildren(...names.map((name, i) => Object.assign(element("option", "", name), { value: i })));
  select.value = chosen;
}

/** Go to a code, of the class that is chosen unless another is given; what was shown between two places is left. */
export function look(state, facts, z, { label = state.label, indices = null, ...others } = {}) {
  state.set({ z, indices, label, y: oneHot(label, facts), path: null, ...others });
}

/** What is decoded of a conditional run, in words: a class, or several with their weights. */
export function classes(y, facts) {
  const parts = Array.from(y, (weight, label) => ({ weight, name: facts.classes[label] })).filter(({ weight }) => weight > 0.005);
  if (parts.length === 1) return `class ${parts[0].name}`;
  return `classes ${parts.map(({ weight, name }) => `${name} ${Math.round(100 * weight)} %`).join(", ")}`;
}

/** Weights of the classes that are one class. */
export function oneHot(label, facts) {
  const weights = new Float32Array(facts.conditional ? facts.classes.length : 0);
  if (weights.length) weights[label] = 1;
  return weights;
}
