// Encoder and decoder of the run as ONNX models in this browser.

import * as ort from "./ort.wasm.bundle.min.mjs";

export async function openModel(content) {
  const names = ["wasm", "encoder", "decoder"];
  const [wasm, encoder, decoder] = await Promise.all(names.map((name) => content.bytes(name)));
  ort.env.wasm.numThreads = 1; // more threads need HTTP headers, which a file does not have
  ort.env.wasm.wasmBinary = wasm;
  const options = { executionProviders: ["wasm"] };
  const open = (bytes) => ort.InferenceSession.create(new Uint8Array(bytes), options);
  return new Model(content.facts, await open(encoder), await open(decoder));
}

class Model {
  #queue = Promise.resolve();
  #requests = new Map();
  #isBusy = false;

  constructor(facts, encoder, decoder) {
    Object.assign(this, { facts, encoder, decoder });
    this.milliseconds = 0; // time of the last call of the decoder
  }

  /** Decode latent codes z [N * L] with class weights y [N * C] to raw values [N * D]. */
  async decode(z, y, count = 1) {
    const { dim } = this.facts.latent;
    return this.#runAlone(async () => {
      const codes = new ort.Tensor("float32", z, [count, dim]);
      const start = performance.now();
      const { x_mean } = await this.decoder.run({ z: codes, ...this.#condition(y, count) });
      this.milliseconds = performance.now() - start;
      return x_mean.data;
    });
  }

  /** Encode raw values [D] of one example: the posterior mean, or the most probable discrete code
   * with its codebook entries. */
  async encode(x, y) {
    return this.#runAlone(async () => {
      const input = new ort.Tensor("float32", x, [1, ...this.facts.shape]);
      const { z_mean, z_indices } = await this.encoder.run({ x: input, ...this.#condition(y, 1) });
      const indices = z_indices ? Uint16Array.from(z_indices.data, Number) : null;
      return { z: Float32Array.from(z_mean.data), indices };
    });
  }

  /** Decode for one part of the page, and pass the values to `show`; only the latest request of a
   * part is shown. */
  request(part, z, y, show) {
    this.#requests.set(part, { z: Float32Array.from(z), y, show });
    if (!this.#isBusy) this.#processRequests();
  }

  async #processRequests() {
    this.#isBusy = true;
    try {
      while (this.#requests.size) {
        for (const [part, { z, y, show }] of [...this.#requests]) {
          this.#requests.delete(part);
          const values = await this.decode(z, y);
          if (!this.#requests.has(part)) show(values);
        }
        await new Promise((resolve) => requestAnimationFrame(resolve)); // once a frame is enough
      }
    } finally {
      this.#isBusy = false;
    }
  }

  /** Run after all earlier work: the runtime supports one call at a time. */
  #runAlone(work) {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  #condition(y, count) {
    if (!this.facts.conditional) return {};
    return { y: new ort.Tensor("float32", y, [count, this.facts.classes.length]) };
  }
}
