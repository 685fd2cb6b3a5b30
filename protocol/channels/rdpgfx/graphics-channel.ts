import { ZgfxDecompressor } from '../../codecs/zgfx.ts';
import { ReadCursor } from '../../core/cursor.ts';
import type { DynamicChannel } from '../dynamic-channels.ts';
import { decodeGfxPdu, encodeGfxPdu, GfxCapsFlags, type GfxCapsSet, GfxVersion, QueueDepth } from './pdu.ts';

/** [MS-RDPEGFX] 1.5. */
export const GRAPHICS_CHANNEL = 'Microsoft::Windows::RDS::Graphics';

/** What the graphics channel tells its session. */
export type GraphicsChannelOutput =
  /** RDPGFX messages, decompressed, to be drawn in order. The bytes are only good during the call that hands them over. */
  | { readonly kind: 'pipeline'; readonly pdus: Uint8Array }
  /** The desktop has a new size. */
  | { readonly kind: 'reset'; readonly width: number; readonly height: number };

/**
 * The client's end of the graphics channel: agrees on a version, unpacks what comes, acknowledges frames. It draws
 * nothing: that is `graphics/pipeline`, wherever pixels are needed.
 *
 * AVC is refused by flags until there is a decoder for it; its codec ids stay reserved in `GfxCodecId`.
 */
export class GraphicsChannel implements DynamicChannel<GraphicsChannelOutput> {
  readonly name = GRAPHICS_CHANNEL;
  #zgfx = new ZgfxDecompressor();
  #framesDecoded = 0;
  #agreed: GfxCapsSet | undefined;

  /** What the server chose, once it has. */
  get agreed(): GfxCapsSet | undefined {
    return this.#agreed;
  }

  start(): Uint8Array[] {
    this.#zgfx = new ZgfxDecompressor();
    this.#framesDecoded = 0;
    this.#agreed = undefined;
    return [encodeGfxPdu({ kind: 'caps-advertise', capsSets: offeredCapsSets() })];
  }

  process(message: Uint8Array, out: GraphicsChannelOutput[]): Uint8Array[] {
    const pdus = this.#zgfx.decompress(message);
    const answers: Uint8Array[] = [];
    const cursor = new ReadCursor(pdus, 'RDPGFX_HEADER');
    while (cursor.remaining > 0) {
      const pdu = decodeGfxPdu(cursor);
      switch (pdu.kind) {
        case 'caps-confirm':
          this.#agreed = pdu.capsSet;
          break;
        case 'reset-graphics':
          out.push({ kind: 'reset', width: pdu.width, height: pdu.height });
          break;
        case 'end-frame':
          this.#framesDecoded = (this.#framesDecoded + 1) >>> 0;
          answers.push(
            encodeGfxPdu({
              kind: 'frame-acknowledge',
              queueDepth: QueueDepth.unavailable,
              frameId: pdu.frameId,
              totalFramesDecoded: this.#framesDecoded,
            }),
          );
          break;
        default:
          break;
      }
    }
    out.push({ kind: 'pipeline', pdus });
    return answers;
  }

  close(): void {
    this.#agreed = undefined;
  }
}

/** Newest last, as clients list them; small caches, no AVC. Version 10.1 is left out: it has no flag to refuse AVC. */
function offeredCapsSets(): GfxCapsSet[] {
  const flags = GfxCapsFlags.smallCache | GfxCapsFlags.avcDisabled;
  return [
    { version: GfxVersion.v8, flags: GfxCapsFlags.smallCache },
    { version: GfxVersion.v81, flags: GfxCapsFlags.smallCache },
    { version: GfxVersion.v10, flags },
    { version: GfxVersion.v102, flags },
    { version: GfxVersion.v103, flags: GfxCapsFlags.avcDisabled },
    { version: GfxVersion.v104, flags },
    { version: GfxVersion.v105, flags },
    { version: GfxVersion.v106, flags },
    { version: GfxVersion.v107, flags },
  ];
}
