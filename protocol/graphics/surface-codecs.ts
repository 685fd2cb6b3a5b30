import { decodeNsCodec } from '../codecs/nscodec.ts';
import type { PixelTarget } from '../codecs/pixel-target.ts';
import { RemoteFxDecoder } from '../codecs/remotefx/decoder.ts';
import type { SurfaceCodec } from './compositor.ts';
import { SurfaceCodecId } from './surface-outline.ts';

export { SurfaceCodecId } from './surface-outline.ts';

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
    save: (state) => decoder.save(state),
    load: (state) => decoder.load(state),
  };
}

/** NSCodec pictures come bottom row first, as all bitmaps outside RDPGFX do. */
function drawNsCodec(source: Uint8Array, target: PixelTarget): undefined {
  decodeNsCodec(source, target, 'bottom-up');
}
