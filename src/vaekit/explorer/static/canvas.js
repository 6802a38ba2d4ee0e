// Raw values of an example on a canvas: images as pixels, other examples as bars.

import { formatNumber } from "./format.js";

const BARS_ASPECT = 0.43; // height of bars relative to their width
const BARS_MARGIN = 8; // pixels

/** Raw values [C * H * W] as ImageData: three channels in color, the mean of others in gray. */
export function toImageData(values, facts) {
  const [channels, height, width] = facts.shape;
  const [low, high] = facts.value_range;
  const plane = height * width;
  const rgba = new Uint8ClampedArray(4 * plane);
  const toByte = (value) => (255 * (value - low)) / (high - low);
  for (let i = 0; i < plane; i++) {
    if (channels === 3) {
      for (let c = 0; c < 3; c++) rgba[4 * i + c] = toByte(values[c * plane + i]);
    } else {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += values[c * plane + i];
      rgba.fill(toByte(sum / channels), 4 * i, 4 * i + 3);
    }
    rgba[4 * i + 3] = 255;
  }
  return new ImageData(rgba, width, height);
}

export function hasImages(facts) {
  return facts.shape.length === 3;
}

export function drawExample(canvas, values, facts) {
  canvas.classList.toggle("bars", !hasImages(facts));
  if (!hasImages(facts)) return drawBars(canvas, values, facts.value_range);
  const image = toImageData(values, facts);
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export function clear(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

/** One bar per value, on the same labeled scale for all examples; values outside are clipped. */
function drawBars(canvas, values, range) {
  canvas.width = 2 * (canvas.clientWidth || 280); // sharp on screens with two pixels per unit
  canvas.height = Math.round(BARS_ASPECT * canvas.width);
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const low = Math.min(0, range[0]);
  const high = Math.max(0, range[1]);
  const pixelsPerUnit = (canvas.height - 2 * BARS_MARGIN) / (high - low || 1);
  const toY = (value) => {
    const clipped = Math.min(high, Math.max(low, value));
    return BARS_MARGIN + (high - clipped) * pixelsPerUnit;
  };

  const zero = toY(0);
  const width = canvas.width / values.length;
  context.fillStyle = style.getPropertyValue("--accent");
  values.forEach((value, i) => {
    const y = toY(value);
    context.fillRect(i * width, Math.min(zero, y), Math.max(1, width - 1), Math.abs(y - zero));
  });

  context.fillStyle = style.getPropertyValue("--muted");
  context.fillRect(0, zero, canvas.width, 1);
  context.font = "24px system-ui, sans-serif";
  if (high > 0) context.fillText(formatNumber(high, 3), 4, 28);
  if (low < 0) context.fillText(formatNumber(low, 3), 4, canvas.height - 10);
}
