import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';

/** A picture of at most 256 colours. */
export interface IndexedPicture {
  readonly width: number;
  readonly height: number;
  /** Words `0xAABBGGRR`; alpha is ignored. */
  readonly palette: Int32Array;
  /** A byte a pixel, row after row. */
  readonly indices: Uint8Array;
}

export const MAX_COLOURS = 256;

/**
 * The rectangle's pixels by index into a palette, or `undefined` when they have more than 256 colours.
 * @param words of a picture `0xAABBGGRR` with `stride` pixels a row
 */
export function indexColours(
  words: Int32Array,
  stride: number,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): IndexedPicture | undefined {
  const indices = new Uint8Array(width * height);
  const palette = new Int32Array(MAX_COLOURS);
  slots.fill(-1);
  let colours = 0;
  let to = 0;
  // Not the first pixel.
  let last = ~words[y * stride + x]!;
  let index = 0;
  for (let row = y; row < y + height; row++) {
    const end = row * stride + x + width;
    for (let at = end - width; at < end; at++) {
      const word = words[at]!;
      if (word !== last) {
        last = word;
        let slot = Math.imul(word, 0x9e3779b1) >>> (32 - SLOT_BITS);
        for (index = slots[slot]!; index >= 0 && palette[index] !== word; index = slots[slot]!) {
          slot = (slot + 1) & (slots.length - 1);
        }
        if (index < 0) {
          if (colours === MAX_COLOURS) return undefined;
          index = colours++;
          palette[index] = word;
          slots[slot] = index;
        }
      }
      indices[to++] = index;
    }
  }
  return { width, height, palette: palette.subarray(0, colours), indices };
}

/**
 * A PNG file with a palette (ISO/IEC 15948), exact. A byte a pixel, or a few bits where colours are few, is what text and
 * user interfaces are: a third of the bytes of a PNG in full colour, and less work to compress.
 */
export async function encodeIndexedPng({ width, height, palette, indices }: IndexedPicture): Promise<Uint8Array> {
  const bits = palette.length <= 2 ? 1 : palette.length <= 4 ? 2 : palette.length <= 16 ? 4 : 8;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = bits;
  header[9] = COLOUR_TYPE_PALETTE;
  const colours = new Uint8Array(palette.length * 3);
  palette.forEach((word, i) => {
    colours.set([word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff], i * 3);
  });
  const data = await deflateAsync(packRows(indices, width, height, bits), { level: 6, memLevel: 9 });
  return Buffer.concat([
    SIGNATURE,
    ...chunk('IHDR', header),
    ...chunk('PLTE', colours),
    ...chunk('IDAT', data),
    ...chunk('IEND', new Uint8Array(0)),
  ]);
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const COLOUR_TYPE_PALETTE = 3;
const deflateAsync = promisify<Uint8Array, { level: number; memLevel: number }, Uint8Array>(deflate);

/** Four times the colours: chains stay short. Nothing survives a call. */
const SLOT_BITS = 10;
const slots = new Int16Array(1 << SLOT_BITS);

/** Scanlines without a filter: for indices none helps. */
function packRows(indices: Uint8Array, width: number, height: number, bits: number): Uint8Array {
  const rowBytes = 1 + Math.ceil((width * bits) / 8); // filter type, pixels
  const packed = new Uint8Array(rowBytes * height);
  const perByte = 8 / bits;
  for (let y = 0; y < height; y++) {
    const from = y * width;
    const to = y * rowBytes + 1;
    if (bits === 8) packed.set(indices.subarray(from, from + width), to);
    else {
      for (let x = 0; x < width; x++) {
        packed[to + Math.floor(x / perByte)]! |= indices[from + x]! << (8 - bits - (x % perByte) * bits);
      }
    }
  }
  return packed;
}

function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, 'latin1');
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(data, crc32(head.subarray(4))));
  return [head, data, check];
}
