import { Compositor } from '../../protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '../../protocol/graphics/surface-codecs.ts';

/** What a golden's bytes come to. Runs in Node and on a page. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  /** RGBA. */
  readonly pixels: Uint8ClampedArray;
  readonly skipped: number;
}

/** @param records graphics updates as they come to a viewer, each `u8 code, u32 length, data`, little-endian */
export function decodeGolden(records: Uint8Array): Decoded {
  const compositor = new Compositor(createSurfaceCodecs());
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let at = 0; at < records.length; ) {
    const length = view.getUint32(at + 1, true);
    compositor.apply({ code: view.getUint8(at), data: records.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  const { width, height, pixels, skipped } = compositor;
  return { width, height, pixels, skipped };
}
