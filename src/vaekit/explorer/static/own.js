// An image of the reader's own, made into what the model takes: as `vaekit encode` would.

/** A file as raw values [C * H * W] of the run's shape and support. Throws where it is no image. */
export async function readOwn(file, facts, invert) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${file.name} is no image that this browser can read: give a PNG, JPEG or WebP`);
  }
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(bitmap, 0, 0);
  const { data } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  const [channels, height, width] = facts.shape;
  const planes = (channels === 1 ? gray(data) : colours(data)).map((plane) => resized(plane, bitmap.width, bitmap.height, width, height));
  const values = new Float32Array(channels * height * width);
  planes.forEach((plane, c) => values.set(plane.map((byte) => raw(invert ? 255 - byte : byte, facts)), c * height * width));
  return values;
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
function gray(data) {
  return [Float32Array.from({ length: data.length / 4 }, (_, i) => (data[4 * i] * 19595 + data[4 * i + 1] * 38470 + data[4 * i + 2] * 7471 + 0x8000) >> 16)];
}

function colours(data) {
  return [0, 1, 2].map((c) => Float32Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + c]));
}

/** By a triangle as wide as a new pixel, across and then down, each rounded to bytes, as Pillow does for BILINEAR. */
export function resized(plane, fromWidth, fromHeight, width, height) {
  const across = weights(fromWidth, width), down = weights(fromHeight, height);
  const middle = new Float32Array(fromHeight * width);
  for (let y = 0; y < fromHeight; y++) for (let x = 0; x < width; x++) middle[y * width + x] = sum(across[x], (i) => plane[y * fromWidth + i]);
  return Float32Array.from({ length: width * height }, (_, at) => sum(down[Math.floor(at / width)], (i) => middle[i * width + (at % width)]));
}

function sum({ first, shares }, value) {
  return Math.round(shares.reduce((total, share, i) => total + share * value(first + i), 0));
}

/** For each of `to` new pixels, which old ones it is made of and how much of each. */
function weights(from, to) {
  const scale = from / to, reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5)), end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const shares = Array.from({ length: end - first }, (_, i) => Math.max(0, 1 - Math.abs((first + i + 0.5 - centre) / reach)));
    const total = shares.reduce((a, b) => a + b, 0);
    return { first, shares: shares.map((share) => share / total) };
  });
}
