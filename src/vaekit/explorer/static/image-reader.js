// An image file as raw values of the run's shape, equal to the values of `vaekit encode`.

const MAX_PIXELS = 1e8;
const STRIP_PIXELS = 1 << 22; // larger canvases are black in some browsers
const MAX_TILE_WIDTH = 4096;

/** Raw values [C * H * W] in the support of the run, and whether the image has transparency.
 * Throws an error if the file is not an image. */
export async function readImage(file, facts, invert) {
  const bitmap = await openBitmap(file);
  const [channels, height, width] = facts.shape;
  const extractors = channels === 1 ? [toGray] : [toRed, toGreen, toBlue];
  const { planes, transparent } = await resize(bitmap, extractors, width, height);
  bitmap.close();
  const values = new Float32Array(channels * height * width);
  planes.forEach((plane, c) => {
    const raw = plane.map((byte) => toRaw(invert ? 255 - byte : byte, facts));
    values.set(raw, c * height * width);
  });
  return { values, transparent };
}

/** Whether images can be encoded: examples of the run have one channel or three. */
export function supportsImages(facts) {
  return facts.shape.length === 3 && [1, 3].includes(facts.shape[0]);
}

async function openBitmap(file) {
  const options = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(file, options).catch(() => null);
  if (!bitmap) {
    throw new Error(
      `${file.name} is not an image that this browser can read. Choose a PNG, JPEG or WebP file.`,
    );
  }
  if (bitmap.width * bitmap.height > MAX_PIXELS) {
    const size = `${bitmap.width} x ${bitmap.height} pixels`;
    throw new Error(
      `${file.name} is too large: got ${size}, expected at most ${MAX_PIXELS / 1e6} million. ` +
        "Reduce it.",
    );
  }
  return bitmap;
}

function toRaw(byte, { support, value_range: [low, high] }) {
  if (support === "binary") return byte >= 128 ? 1 : 0;
  const value = low + (byte / 255) * (high - low);
  return support.startsWith("integers") ? Math.round(value) : value;
}

/** Lightness by ITU-R 601, in the integers of Pillow. */
function toGray(data, i) {
  return (data[i] * 19595 + data[i + 1] * 38470 + data[i + 2] * 7471 + 0x8000) >> 16;
}

function toRed(data, i) {
  return data[i];
}

function toGreen(data, i) {
  return data[i + 1];
}

function toBlue(data, i) {
  return data[i + 2];
}

/** Resize by a triangle filter as wide as a new pixel, first the rows, then the columns, each
 * rounded to bytes: BILINEAR of Pillow. */
async function resize(bitmap, extractors, width, height) {
  const rowWeights = filterWeights(bitmap.width, width);
  const columnWeights = filterWeights(bitmap.height, height);
  const narrow = extractors.map(() => new Float32Array(bitmap.height * width));
  let transparent = false;
  for await (const { top, rows, data } of strips(bitmap)) {
    transparent ||= hasTransparency(data);
    const plane = new Uint8Array(rows * bitmap.width);
    extractors.forEach((extract, c) => {
      for (let i = 0; i < plane.length; i++) plane[i] = extract(data, 4 * i);
      for (let y = 0; y < rows; y++) {
        const source = { values: plane, start: y * bitmap.width, step: 1 };
        filter(source, rowWeights, { values: narrow[c], start: (top + y) * width, step: 1 });
      }
    });
  }
  const planes = narrow.map((values) => {
    const plane = new Float32Array(height * width);
    for (let x = 0; x < width; x++) {
      const source = { values, start: x, step: width };
      filter(source, columnWeights, { values: plane, start: x, step: width });
    }
    return plane;
  });
  return { planes, transparent };
}

function hasTransparency(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return true;
  return false;
}

/** Write weighted sums of a line of values; both lines are arrays with a start and a step. */
function filter(source, pixels, target) {
  for (const [i, { first, weights }] of pixels.entries()) {
    let sum = 0;
    for (let j = 0; j < weights.length; j++) {
      sum += weights[j] * source.values[source.start + (first + j) * source.step];
    }
    target.values[target.start + i * target.step] = Math.round(sum);
  }
}

/** The RGBA bytes [rows * width * 4] of an image in strips; the page stays responsive. */
async function* strips(bitmap) {
  const maxRows = Math.max(1, Math.floor(STRIP_PIXELS / bitmap.width));
  for (let top = 0; top < bitmap.height; top += maxRows) {
    const rows = Math.min(maxRows, bitmap.height - top);
    yield { top, rows, data: readStrip(bitmap, top, rows) };
    await new Promise((resolve) => setTimeout(resolve));
  }
}

function readStrip(bitmap, top, rows) {
  const data = new Uint8ClampedArray(4 * rows * bitmap.width);
  for (let left = 0; left < bitmap.width; left += MAX_TILE_WIDTH) {
    const columns = Math.min(MAX_TILE_WIDTH, bitmap.width - left);
    const canvas = new OffscreenCanvas(columns, rows);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, left, top, columns, rows, 0, 0, columns, rows);
    const tile = context.getImageData(0, 0, columns, rows).data;
    for (let y = 0; y < rows; y++) {
      const row = tile.subarray(4 * y * columns, 4 * (y + 1) * columns);
      data.set(row, 4 * (y * bitmap.width + left));
    }
  }
  return data;
}

/** The first source pixel and the weights of the source pixels, for each target pixel. */
function filterWeights(sourceSize, targetSize) {
  const scale = sourceSize / targetSize;
  const radius = Math.max(1, scale);
  return Array.from({ length: targetSize }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - radius + 0.5));
    const end = Math.min(sourceSize, Math.trunc(center + radius + 0.5));
    const triangle = Array.from({ length: end - first }, (_, j) => {
      const distance = Math.abs((first + j + 0.5 - center) / radius);
      return Math.max(0, 1 - distance);
    });
    const total = triangle.reduce((a, b) => a + b, 0);
    return { first, weights: triangle.map((weight) => weight / total) };
  });
}
