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
  const scaleX = source.width / place.width;
  const scaleY = source.height / place.height;
  for (let y = part.y; y < part.y + part.height; y++) {
    const fromY = clamp((y - place.y + 0.5) * scaleY - 0.5, source.height - 1);
    const top = Math.floor(fromY);
    const bottom = Math.min(top + 1, source.height - 1);
    const weightY = fromY - top;
    for (let x = part.x; x < part.x + part.width; x++) {
      const fromX = clamp((x - place.x + 0.5) * scaleX - 0.5, source.width - 1);
      const left = Math.floor(fromX);
      const right = Math.min(left + 1, source.width - 1);
      const weightX = fromX - left;
      const a = mix(source.words[top * source.width + left]!, source.words[top * source.width + right]!, weightX);
      const b = mix(source.words[bottom * source.width + left]!, source.words[bottom * source.width + right]!, weightX);
      desktop[y * stride + x] = mix(a, b, weightY) | 0xff000000;
    }
  }
}

function clamp(value: number, largest: number): number {
  return value < 0 ? 0 : value > largest ? largest : value;
}

/** Two pixels, channel by channel; alpha is left out. */
function mix(a: number, b: number, weight: number): number {
  if (weight === 0 || a === b) return a & 0x00ffffff;
  let mixed = 0;
  for (let shift = 0; shift < 24; shift += 8) {
    const from = (a >>> shift) & 0xff;
    const to = (b >>> shift) & 0xff;
    mixed |= Math.round(from + (to - from) * weight) << shift;
  }
  return mixed;
}
