import { outlineRemoteFx } from '../codecs/remotefx/outline.ts';
import type { SurfaceBits } from '../pdu/surface-command.ts';
import type { Rect } from './geometry.ts';

/**
 * Codec ids that we offer in the Bitmap Codecs Capability Set, [MS-RDPBCGR] 2.2.7.2.10.1.1 `codecID`. The client
 * chooses them; these are the ones that clients have always used.
 */
export const SurfaceCodecId = { nsCodec: 1, remoteFx: 3 } as const;

/** What a picture of a surface command draws, without decoding any of it. */
export interface SurfaceOutline {
  /** Its tiles, each as the parts that it shows of the desktop; one for all of it where it has none. Undefined: not known. */
  readonly tiles: readonly (readonly Rect[])[] | undefined;
  /** Which of what pictures without tiles may build on it says anew. */
  readonly hasChannels: boolean;
  readonly hasRegion: boolean;
}

/** Whether pictures of a codec are made of tiles, and say more than pixels. */
export function hasTiles({ codecId }: SurfaceBits): boolean {
  return codecId === SurfaceCodecId.remoteFx;
}

/** @throws {DecodeError} when the picture's structure is broken */
export function outlineSurfaceBits(bits: SurfaceBits): SurfaceOutline {
  const { codecId, destLeft: x, destTop: y, width, height, data } = bits;
  // Nobody decodes that.
  if (width === 0 || height === 0) return { tiles: [], hasChannels: false, hasRegion: false };
  if (hasTiles(bits)) return outlineRemoteFx(data, { x, y, width, height });
  const isKnown = codecId === 0 || codecId === SurfaceCodecId.nsCodec;
  return { tiles: isKnown ? [[{ x, y, width, height }]] : undefined, hasChannels: false, hasRegion: false };
}
