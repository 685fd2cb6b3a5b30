import type { Rect } from './geometry.ts';

/** A picture to read from: pixels `0xAABBGGRR`, row after row without gaps. */
export interface Picture {
  readonly words: Uint32Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Draws a part of `source`, scaled so that all of `source` would fill `place`, into a desktop. Bilinear, so that text
 * stays readable at the fractional scales that servers use.
 *
 * @param part where to draw, in desktop pixels; inside both `place` and the desktop
 */
export function blitScaled(source: Picture, place: Rect, part: Rect, desktop: Uint32Array, stride: number): void {
  const { words } = source;
  const scaleX = source.width / place.width;
  const scaleY = source.height / place.height;
  // Where each column comes from is the same in all rows.
  const lefts = new Int32Array(part.width);
  const rights = new Int32Array(part.width);
  const weights = new Float64Array(part.width);
  for (let i = 0; i < part.width; i++) {
    const fromX = clamp((part.x + i - place.x + 0.5) * scaleX - 0.5, source.width - 1);
    const left = Math.floor(fromX);
    lefts[i] = left;
    rights[i] = Math.min(left + 1, source.width - 1);
    weights[i] = fromX - left;
  }
  for (let y = part.y; y < part.y + part.height; y++) {
    const fromY = clamp((y - place.y + 0.5) * scaleY - 0.5, source.height - 1);
    const top = Math.floor(fromY) * source.width;
    const bottom = Math.min(Math.floor(fromY) + 1, source.height - 1) * source.width;
    const weightY = fromY - Math.floor(fromY);
    const to = y * stride + part.x;
    for (let i = 0; i < part.width; i++) {
      const left = lefts[i]!;
      const right = rights[i]!;
      const weightX = weights[i]!;
      const a = mix(words[top + left]!, words[top + right]!, weightX);
      const b = mix(words[bottom + left]!, words[bottom + right]!, weightX);
      desktop[to + i] = mix(a, b, weightY) | 0xff000000;
    }
  }
}

function clamp(value: number, largest: number): number {
  return value < 0 ? 0 : value > largest ? largest : value;
}

/** Two pixels, channel by channel; alpha is left out. */
function mix(a: number, b: number, weight: number): number {
  if (weight === 0 || a === b) return a & 0x00ffffff;
  const red = mixByte(a & 0xff, b & 0xff, weight);
  const green = mixByte((a >>> 8) & 0xff, (b >>> 8) & 0xff, weight);
  return (mixByte((a >>> 16) & 0xff, (b >>> 16) & 0xff, weight) << 16) | (green << 8) | red;
}

function mixByte(from: number, to: number, weight: number): number {
  return (from + (to - from) * weight + 0.5) | 0;
}
