import { decodeNsCodec } from '../codecs/nscodec.ts';
import type { PixelTarget } from '../codecs/pixel-target.ts';
import { withoutTileSets } from '../codecs/remotefx/blocks.ts';
import { RemoteFxDecoder } from '../codecs/remotefx/decoder.ts';
import type { SurfaceCodec } from './compositor.ts';

/**
 * Codec ids that we offer in the Bitmap Codecs Capability Set, [MS-RDPBCGR] 2.2.7.2.10.1.1 `codecID`. The client
 * chooses them; these are the ones that clients have always used.
 */
export const SurfaceCodecId = { nsCodec: 1, remoteFx: 3 } as const;

/** Fresh decoders for one compositor: they hold a session's state. */
export function createSurfaceCodecs(): Map<number, SurfaceCodec> {
  return new Map<number, SurfaceCodec>([
    [SurfaceCodecId.nsCodec, { decode: drawNsCodec }],
    [SurfaceCodecId.remoteFx, remoteFx()],
  ]);
}

function remoteFx(): SurfaceCodec {
  const decoder = new RemoteFxDecoder();
  return {
    decode: (source, target, _bitsPerPixel, isHidden) => decoder.decode(source, target, isHidden),
    tilesOf: RemoteFxDecoder.tilesOf,
    withoutTiles: withoutTileSets,
    save: (state) => decoder.save(state),
    load: (state) => decoder.load(state),
  };
}

/** NSCodec pictures come bottom row first, as all bitmaps outside RDPGFX do. */
function drawNsCodec(source: Uint8Array, target: PixelTarget): undefined {
  decodeNsCodec(source, target, 'bottom-up');
}
