// Encoder and decoder of the run, in this browser. Who asks for several things at once gets the last.

import * as ort from "./ort.wasm.bundle.min.mjs";

export async function openNets(source) {
  const [wasm, encoder, decoder] = await Promise.all(["wasm", "encoder", "decoder"].map((name) => source.bytes(name)));
  ort.env.wasm.numThreads = 1; // more would need headers that a file has not
  ort.env.wasm.wasmBinary = wasm;
  const open = (bytes) => ort.InferenceSession.create(new Uint8Array(bytes), { executionProviders: ["wasm"] });
  return new Nets(source.facts, await open(encoder), await open(decoder));
}

class Nets {
  constructor(facts, encoder, decoder) {
    Object.assign(this, { facts, encoder, decoder, waiting: new Map(), busy: false, milliseconds: 0 });
  }

  /** Codes z [n * L] and weights of the classes y [n * C] to raw values [n * D]. */
  async decode(z, y, rows = 1) {
    const { size } = this.facts.latent;
    return this.#alone(async () => {
      const inputs = { z: new ort.Tensor("float32", z, [rows, size]), ...this.#condition(y, rows) };
      const start = performance.now();
      const { x_mean } = await this.decoder.run(inputs);
      this.milliseconds = performance.now() - start;
      return x_mean.data;
    });
  }

  /** Raw values [D] of one row to its code: the mean, or the most probable one with its entries. */
  async encode(x, y) {
    return this.#alone(async () => {
      const inputs = { x: new ort.Tensor("float32", x, [1, ...this.facts.shape]), ...this.#condition(y, 1) };
      const { z_mean, z_indices } = await this.encoder.run(inputs);
      return { z: Float32Array.from(z_mean.data), indices: z_indices ? Uint16Array.from(z_indices.data, Number) : null };
    });
  }

  /** Decode for a place of the page: `show` gets the values, unless something newer was asked for there meanwhile. */
  request(place, z, y, show) {
    this.waiting.set(place, { z: Float32Array.from(z), y, show });
    if (!this.busy) this.#work();
  }

  async #work() {
    this.busy = true;
    try {
      while (this.waiting.size) {
        for (const [place, { z, y, show }] of [...this.waiting]) {
          this.waiting.delete(place);
          const values = await this.decode(z, y);
          if (!this.waiting.has(place)) show(values);
        }
        await new Promise((done) => requestAnimationFrame(done)); // one picture a frame is all that eyes see
      }
    } finally {
      this.busy = false;
    }
  }

  #queue = Promise.resolve();

  /** The runtime takes one call at a time. */
  #alone(work) {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  #condition(y, rows) {
    return this.facts.conditional ? { y: new ort.Tensor("float32", y, [rows, this.facts.classes.length]) } : {};
  }
}
