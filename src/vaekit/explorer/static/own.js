// An image of the reader's own, made into what the model takes: as `vaekit encode` would.

const MOST_PIXELS = 1e8;
const STRIP = 1 << 22; // pixels that are read at once: larger canvases come out black in some browsers
const WIDEST = 4096;

/** A file as raw values [C * H * W] of the run's shape and support, and whether parts of it are transparent. Throws where it is no image. */
export async function readOwn(file, facts, invert) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${file.name} is no image that this browser can read: give a PNG, JPEG or WebP`);
  }
  const [channels, height, width] = facts.shape;
  if (bitmap.width * bitmap.height > MOST_PIXELS) {
    throw new Error(`${file.name} has ${bitmap.width} x ${bitmap.height} pixels, at most ${MOST_PIXELS / 1e6} million can be read: make it smaller`);
  }
  const { planes, transparent } = await resized(bitmap, channels === 1 ? [gray] : [red, green, blue], width, height);
  bitmap.close();
  const values = new Float32Array(channels * height * width);
  planes.forEach((plane, c) => values.set(plane.map((byte) => raw(invert ? 255 - byte : byte, facts)), c * height * width));
  return { values, transparent };
}

/** Whether pictures can be made into rows at all: images of one channel or three. */
export function takesImages(facts) {
  return facts.shape.length === 3 && [1, 3].includes(facts.shape[0]);
}

function raw(byte, { support, range: [low, high] }) {
  if (support === "binary") return byte >= 128 ? 1 : 0;
  const value = low + (byte / 255) * (high - low);
  return support.startsWith("integers") ? Math.round(value) : value;
}

/** Lightness by ITU-R 601, in the whole numbers that Pillow uses. */
const gray = (data, at) => (data[at] * 19595 + data[at + 1] * 38470 + data[at + 2] * 7471 + 0x8000) >> 16;
const red = (data, at) => data[at];
const green = (data, at) => data[at + 1];
const blue = (data, at) => data[at + 2];

/** By a triangle as wide as a new pixel, across and then down, each rounded to bytes, as Pillow does for BILINEAR. */
async function resized(bitmap, channels, width, height) {
  const across = weights(bitmap.width, width), down = weights(bitmap.height, height);
  const middles = channels.map(() => new Float32Array(bitmap.height * width));
  let transparent = false;
  for await (const { top, lines, data } of strips(bitmap)) {
    const plane = new Uint8Array(lines * bitmap.width);
    for (let at = 3; at < data.length && !transparent; at += 4) transparent = data[at] < 255;
    channels.forEach((channel, c) => {
      for (let i = 0; i < plane.length; i++) plane[i] = channel(data, 4 * i);
      for (let y = 0; y < lines; y++) shrink(plane, y * bitmap.width, 1, across, middles[c], (top + y) * width, 1);
    });
  }
  const planes = middles.map((middle) => {
    const plane = new Float32Array(height * width);
    for (let x = 0; x < width; x++) shrink(middle, x, width, down, plane, x, width);
    return plane;
  });
  return { planes, transparent };
}

/** A line of values as the weighted sums of `shares`; both lines lie in arrays, from a place on by so many steps each. */
function shrink(values, from, step, shares, into, to, stride) {
  for (const [at, { first, weight }] of shares.entries()) {
    let sum = 0;
    for (let i = 0; i < weight.length; i++) sum += weight[i] * values[from + (first + i) * step];
    into[to + at * stride] = Math.round(sum);
  }
}

/** The pixels [lines * width * 4] of one strip of an image after the other, with the page alive in between. */
async function* strips(bitmap) {
  const most = Math.max(1, Math.floor(STRIP / bitmap.width));
  for (let top = 0; top < bitmap.height; top += most) {
    const lines = Math.min(most, bitmap.height - top);
    const data = new Uint8ClampedArray(4 * lines * bitmap.width);
    for (let left = 0; left < bitmap.width; left += WIDEST) {
      const columns = Math.min(WIDEST, bitmap.width - left);
      const pen = new OffscreenCanvas(columns, lines).getContext("2d", { willReadFrequently: true });
      pen.drawImage(bitmap, left, top, columns, lines, 0, 0, columns, lines);
      const tile = pen.getImageData(0, 0, columns, lines).data;
      for (let y = 0; y < lines; y++) data.set(tile.subarray(4 * y * columns, 4 * (y + 1) * columns), 4 * (y * bitmap.width + left));
    }
    yield { top, lines, data };
    await new Promise((done) => setTimeout(done));
  }
}

/** For each of `to` new pixels, which old ones it is made of and how much of each. */
function weights(from, to) {
  const scale = from / to, reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5)), end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const shares = Array.from({ length: end - first }, (_, i) => Math.max(0, 1 - Math.abs((first + i + 0.5 - centre) / reach)));
    const total = shares.reduce((a, b) => a + b, 0);
    return { first, weight: shares.map((share) => share / total) };
  });
}
