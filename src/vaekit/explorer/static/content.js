// The content of the page: from elements of a page in one file, otherwise from the server.

const ARRAY_TYPES = {
  float32: Float32Array, uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array,
};
const MAX_CACHED_EXAMPLES = 500;

/** The facts, the arrays, `bytes(name)` of a blob, and `original(index)` of an example. */
export async function openContent() {
  const embedded = document.getElementById("facts");
  const content = embedded
    ? embeddedContent(JSON.parse(embedded.textContent))
    : servedContent(await (await get("facts.json")).json());
  const described = Object.entries(content.facts.arrays);
  const buffers = await Promise.all(described.map(([name]) => content.bytes(name)));
  const arrays = Object.fromEntries(
    described.map(([name, { type }], i) => [name, new ARRAY_TYPES[type](buffers[i])]),
  );
  return { ...content, arrays, original: content.original(arrays) };
}

function servedContent(facts) {
  const cache = new Map();
  const original = () => async (index) => {
    if (!cache.has(index)) {
      const buffer = await (await get(`examples/${index}`)).arrayBuffer();
      cache.set(index, asExample(buffer, valuesPerExample(facts)));
      if (cache.size > MAX_CACHED_EXAMPLES) cache.delete(cache.keys().next().value);
    }
    return cache.get(index);
  };
  const bytes = async (name) => (await get(`blobs/${name}`)).arrayBuffer();
  return { facts, bytes, original };
}

function embeddedContent(facts) {
  const bytes = (name) => {
    const script = document.querySelector(`script[data-blob="${name}"]`);
    const compressed = Uint8Array.from(atob(script.textContent), (letter) => letter.charCodeAt(0));
    script.remove(); // read once: its text would stay in memory
    const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  };
  const original = ({ original_indices: indices, originals }) => {
    const positions = new Map(Array.from(indices, (index, i) => [index, i]));
    const length = valuesPerExample(facts);
    return async (index) => {
      if (!positions.has(index)) return null;
      const start = positions.get(index) * length;
      return originals.subarray(start, start + length);
    };
  };
  return { facts, bytes, original };
}

async function get(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response;
}

function valuesPerExample(facts) {
  return facts.shape.reduce((a, b) => a * b, 1);
}

/** Bytes if there is one byte per value, float32 otherwise. */
function asExample(buffer, length) {
  return buffer.byteLength === length ? new Uint8Array(buffer) : new Float32Array(buffer);
}
