import { OPAQUE_BLACK } from '../codecs/pixel-target.ts';
import type { PaletteUpdate } from '../pdu/palette.ts';

/** A palette as pixels, `0xAABBGGRR`. */
export function paletteWords(update: PaletteUpdate): Uint32Array {
  const { colors } = update;
  const words = new Uint32Array(256);
  for (let i = 0, at = 0; i < 256; i++, at += 3) {
    words[i] = OPAQUE_BLACK | (colors[at + 2]! << 16) | (colors[at + 1]! << 8) | colors[at]!;
  }
  return words;
}

/** Until the server sends a palette: 3 bits red, 3 green, 2 blue. */
export function defaultPalette(): Uint32Array {
  const palette = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const red = Math.round(((i >>> 5) * 255) / 7);
    const green = Math.round((((i >>> 2) & 7) * 255) / 7);
    const blue = Math.round(((i & 3) * 255) / 3);
    palette[i] = OPAQUE_BLACK | (blue << 16) | (green << 8) | red;
  }
  return palette;
}
