// Where the page's bytes come from: elements of the page itself where it is one file, else the server.

const DTYPES = { float32: Float32Array, uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array };

export async function openSource() {
  const embedded = document.getElementById("facts");
  const source = embedded ? embeddedSource(JSON.parse(embedded.textContent)) : servedSource(await (await get("facts.json")).json());
  const names = Object.keys(source.facts.arrays);
  const buffers = await Promise.all(names.map((name) => source.bytes(name)));
  const arrays = Object.fromEntries(names.map((name, i) => [name, new DTYPES[source.facts.arrays[name].type](buffers[i])]));
  return { ...source, arrays, original: source.original(arrays) };
}

function servedSource(facts) {
  const rows = new Map();
  const original = () => async (row) => {
    if (!rows.has(row)) {
      const buffer = await (await get(`rows/${row}`)).arrayBuffer();
      rows.set(row, typed(buffer, size(facts)));
      if (rows.size > 500) rows.delete(rows.keys().next().value);
    }
    return rows.get(row);
  };
  return { facts, bytes: async (name) => (await get(`blobs/${name}`)).arrayBuffer(), original };
}

function embeddedSource(facts) {
  const bytes = (name) => {
    const element = document.querySelector(`script[data-blob="${name}"]`);
    const compressed = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
    element.remove(); // read once: its text would stay in memory
    return new Response(new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  };
  const original = ({ kept, originals }) => {
    const place = new Map(Array.from(kept, (row, i) => [row, i]));
    const length = size(facts);
    return async (row) => (place.has(row) ? originals.subarray(place.get(row) * length, (place.get(row) + 1) * length) : null);
  };
  return { facts, bytes, original };
}

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

/** How many values one row has. */
function size(facts) {
  return facts.shape.reduce((a, b) => a * b, 1);
}

function typed(buffer, length) {
  return buffer.byteLength === length ? new Uint8Array(buffer) : new Float32Array(buffer);
}
