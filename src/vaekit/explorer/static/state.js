// The state of the page, and listeners for its changes.

export class State {
  #listeners = [];
  #changed = null;

  constructor(values) {
    Object.assign(this, values);
  }

  /** Change fields; listeners run once, after the current task has changed everything it will. */
  set(changes) {
    Object.assign(this, changes);
    if (!this.#changed) {
      this.#changed = new Set();
      queueMicrotask(() => this.#notify());
    }
    for (const name of Object.keys(changes)) this.#changed.add(name);
  }

  /** Call `listener` once now, and whenever one of these fields has changed. */
  on(names, listener) {
    this.#listeners.push({ names, listener });
    listener();
  }

  #notify() {
    const changed = this.#changed;
    this.#changed = null;
    for (const { names, listener } of this.#listeners) {
      if (names.some((name) => changed.has(name))) listener();
    }
  }
}

/** Go to a latent code, of the current class unless another is passed; a path is left. */
export function goTo(state, facts, z, { label = state.label, indices = null, ...others } = {}) {
  state.set({ z, indices, label, y: oneHot(label, facts), path: null, ...others });
}

/** The class that is decoded, in words: one class, or several with their weights. */
export function describeClasses(y, facts) {
  const named = Array.from(y, (weight, label) => ({ weight, name: facts.classes[label] }));
  const parts = named.filter(({ weight }) => weight > 0.005);
  if (parts.length === 1) return `class ${parts[0].name}`;
  const words = parts.map(({ weight, name }) => `${name} ${Math.round(100 * weight)} %`);
  return `classes ${words.join(", ")}`;
}

/** Class weights [C] with weight 1 on one class; empty unless the run is conditional. */
export function oneHot(label, facts) {
  const weights = new Float32Array(facts.conditional ? facts.classes.length : 0);
  if (weights.length) weights[label] = 1;
  return weights;
}
