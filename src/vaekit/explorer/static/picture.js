// Raw values of a row as pixels on a canvas: images as they are, other rows as bars.

import { number } from "./text.js";

const HIGH = 0.43; // of the width, for bars

/** Raw values [C * H * W] as RGBA bytes, as `vaekit` shows them: gray unless there are three channels. */
export function pixels(values, facts) {
  const [channels, height, width] = facts.shape;
  const [low, high] = facts.range;
  const plane = height * width;
  const rgba = new Uint8ClampedArray(4 * plane);
  const shown = (value) => (255 * (value - low)) / (high - low);
  for (let i = 0; i < plane; i++) {
    if (channels === 3) {
      for (let c = 0; c < 3; c++) rgba[4 * i + c] = shown(values[c * plane + i]);
    } else {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += values[c * plane + i];
      rgba[4 * i] = rgba[4 * i + 1] = rgba[4 * i + 2] = shown(sum / channels);
    }
    rgba[4 * i + 3] = 255;
  }
  return new ImageData(rgba, width, height);
}

export function isImage(facts) {
  return facts.shape.length === 3;
}

export function paint(canvas, values, facts) {
  canvas.classList.toggle("bars", !isImage(facts));
  if (!isImage(facts)) return bars(canvas, values, facts.range);
  const image = pixels(values, facts);
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export function clear(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

/** One bar a value, on the same scale for all rows, which is written beside it; a value beyond it ends at the edge. */
function bars(canvas, values, range) {
  const across = 2 * (canvas.clientWidth || 280); // sharp where a pixel is two
  Object.assign(canvas, { width: across, height: Math.round(HIGH * across) });
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const low = Math.min(0, range[0]), high = Math.max(0, range[1]);
  const y = (value) => 8 + ((high - Math.min(high, Math.max(low, value))) / (high - low || 1)) * (canvas.height - 16);
  const width = across / values.length;
  pen.fillStyle = style.getPropertyValue("--accent");
  values.forEach((value, i) => pen.fillRect(i * width, Math.min(y(0), y(value)), Math.max(1, width - 1), Math.abs(y(value) - y(0))));
  pen.fillStyle = style.getPropertyValue("--muted");
  pen.fillRect(0, y(0), across, 1);
  pen.font = "24px system-ui, sans-serif";
  if (high > 0) pen.fillText(number(high, 3), 4, 28);
  if (low < 0) pen.fillText(number(low, 3), 4, canvas.height - 10);
}
