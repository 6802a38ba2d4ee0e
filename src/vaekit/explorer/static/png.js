// PNG files: an image with a text, or an animation (APNG).

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const TEXT_KEYWORD = "vaekit";
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** A PNG file of ImageData, with an optional text under the keyword vaekit. */
export async function encodePng(image, text = "") {
  const chunks = [header(image)];
  if (text) chunks.push(textChunk(text));
  chunks.push(chunk("IDAT", await compress(image)));
  return pngFile(chunks);
}

/** An animated PNG file that repeats forever, with the duration of each frame. */
export async function encodeApng(images, milliseconds) {
  const chunks = [header(images[0]), chunk("acTL", [...uint32(images.length), ...uint32(0)])];
  let sequence = 0;
  for (const [i, image] of images.entries()) {
    chunks.push(frameControl(image, sequence++, milliseconds));
    const data = await compress(image);
    if (i === 0) chunks.push(chunk("IDAT", data));
    else chunks.push(chunk("fdAT", [...uint32(sequence++), ...data]));
  }
  return pngFile(chunks);
}

function pngFile(chunks) {
  const parts = [Uint8Array.from(SIGNATURE), ...chunks, chunk("IEND", [])];
  return new Blob(parts, { type: "image/png" });
}

function header({ width, height }) {
  return chunk("IHDR", [...uint32(width), ...uint32(height), 8, 2, 0, 0, 0]); // 8-bit RGB
}

function textChunk(text) {
  return chunk("iTXt", [...utf8(TEXT_KEYWORD), 0, 0, 0, 0, 0, ...utf8(text)]);
}

/** Size, position (0, 0), and duration as milliseconds / 1000. */
function frameControl({ width, height }, sequence, milliseconds) {
  const words = [sequence, width, height, 0, 0].flatMap(uint32);
  const duration = [milliseconds >> 8, milliseconds & 255, 1000 >> 8, 1000 & 255];
  return chunk("fcTL", [...words, ...duration, 0, 0]);
}

function chunk(name, data) {
  const body = Uint8Array.from([...utf8(name), ...data]);
  let crc = 0xffffffff;
  for (const byte of body) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return Uint8Array.from([...uint32(data.length), ...body, ...uint32(~crc >>> 0)]);
}

/** The RGB values of all rows, each after its filter type 0 (none), compressed. */
async function compress({ width, height, data }) {
  const bytes = new Uint8Array(height * (3 * width + 1));
  let position = 0;
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (pixel % width === 0) position++;
    for (let c = 0; c < 3; c++) bytes[position++] = data[4 * pixel + c];
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function uint32(number) {
  return [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255];
}

function utf8(text) {
  return new TextEncoder().encode(text);
}
