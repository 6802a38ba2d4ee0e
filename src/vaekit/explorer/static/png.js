// PNG files: one picture with a note in it, or several that move (APNG).

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** A PNG of ImageData; `note` is kept in it as text under the name vaekit. */
export async function png(image, note = "") {
  const text = note ? [chunk("iTXt", [...utf8("vaekit"), 0, 0, 0, 0, 0, ...utf8(note)])] : [];
  return file([header(image), ...text, chunk("IDAT", await compressed(image))]);
}

/** An animated PNG that repeats without end; each image for so many milliseconds. */
export async function apng(images, milliseconds) {
  const chunks = [header(images[0]), chunk("acTL", [...word(images.length), ...word(0)])];
  let sequence = 0;
  for (const [i, image] of images.entries()) {
    const control = [word(sequence++), word(image.width), word(image.height), word(0), word(0), [milliseconds >> 8, milliseconds & 255, 3, 232, 0, 0]];
    chunks.push(chunk("fcTL", control.flat()));
    const data = await compressed(image);
    chunks.push(i ? chunk("fdAT", [...word(sequence++), ...data]) : chunk("IDAT", data));
  }
  return file(chunks);
}

function file(chunks) {
  return new Blob([Uint8Array.from(SIGNATURE), ...chunks, chunk("IEND", [])], { type: "image/png" });
}

function header({ width, height }) {
  return chunk("IHDR", [...word(width), ...word(height), 8, 2, 0, 0, 0]); // 8 bits of red, green and blue
}

function chunk(name, data) {
  const body = Uint8Array.from([...utf8(name), ...data]);
  let crc = 0xffffffff;
  for (const byte of body) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return Uint8Array.from([...word(data.length), ...body, ...word(~crc >>> 0)]);
}

/** Each line behind its filter, none, deflated. */
async function compressed({ width, height, data }) {
  const lines = new Uint8Array(height * (3 * width + 1));
  for (let y = 0, at = 0; y < height; y++) {
    at++;
    for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) lines[at++] = data[4 * (y * width + x) + c];
  }
  const stream = new Blob([lines]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function word(number) {
  return [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255];
}

function utf8(text) {
  return new TextEncoder().encode(text);
}

/** Give the reader a file to keep. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
