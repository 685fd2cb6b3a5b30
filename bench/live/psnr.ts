import { Compositor } from '#protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import type { Stream } from './streams/stream.ts';
import type { Picture } from './viewers/viewer.ts';

/** Two pictures that are the same have no noise; they count as this many decibels. */
export const EQUAL_PSNR = 99;

/** Peak signal-to-noise ratio in decibels over red, green and blue; null for pictures of different sizes. */
export function psnr(one: Picture, other: Picture): number | null {
  if (one.width !== other.width || one.height !== other.height) return null;
  let squares = 0;
  for (let at = 0; at < one.pixels.length; at++) {
    if ((at & 3) === 3) continue;
    const difference = (one.pixels[at] ?? 0) - (other.pixels[at] ?? 0);
    squares += difference * difference;
  }
  if (squares === 0) return EQUAL_PSNR;
  const samples = one.width * one.height * 3;
  return Math.min(EQUAL_PSNR, 10 * Math.log10((255 * 255) / (squares / samples)));
}

/** What a client without loss shows after a server has sent so many of a stream's frames, over and over. */
export function pictureAfter(stream: Stream, framesSent: number): Picture {
  const { width, height, frames } = stream;
  const compositor = new Compositor(createSurfaceCodecs());
  const size = Uint8Array.of(width & 0xff, width >>> 8, height & 0xff, height >>> 8);
  compositor.apply({ code: UpdateCode.desktopReset, data: size });
  const round = Math.max(1, frames.length - 1);
  // One whole round leaves what many do.
  const sent = framesSent <= frames.length ? framesSent : frames.length + ((framesSent - frames.length) % round);
  for (let i = 0; i < sent; i++) {
    const frame = frames[i < frames.length ? i : 1 + ((i - frames.length) % round)];
    for (const update of frame?.updates ?? []) compositor.apply(update);
  }
  return { width, height, pixels: new Uint8Array(compositor.pixels) };
}
