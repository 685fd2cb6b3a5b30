import { ZgfxVariant } from '../../codecs/zgfx.ts';
import { ZgfxCompressor } from '../../codecs/zgfx-compressor.ts';
import { concatBytes } from '../../core/bytes.ts';
import { ReadCursor } from '../../core/cursor.ts';
import { decodeGfxPdu } from './decode-pdu.ts';
import { encodeGfxPdu } from './encode-pdu.ts';
import { type GfxCapsSet, type GfxPdu, GfxVersion } from './pdu.ts';

/** What the client says on the graphics channel. */
export type ServerGraphicsOutput =
  /** A version is agreed: frames may be sent. */
  | { readonly kind: 'graphics-ready'; readonly caps: GfxCapsSet }
  | {
      readonly kind: 'frame-acknowledged';
      readonly frameId: number;
      /** Bytes the client has yet to decode, or one of `QueueDepth`. */
      readonly queueDepth: number;
      readonly totalFramesDecoded: number;
    };

export type SentGfxPdu = Exclude<GfxPdu, { readonly kind: 'unknown' }>;

const KNOWN_VERSIONS: readonly number[] = Object.values(GfxVersion);

/** The server's end of the graphics channel, [MS-RDPEGFX] 3.2: agrees on a version, packs what is sent. */
export class ServerGraphics {
  readonly #zgfx: ZgfxCompressor;
  #agreed: GfxCapsSet | undefined;

  /** @param compresses whether messages are compressed; otherwise each is the same whatever was sent before */
  constructor(compresses = true) {
    this.#zgfx = new ZgfxCompressor(ZgfxVariant.rdp8, compresses);
  }

  get agreed(): GfxCapsSet | undefined {
    return this.#agreed;
  }

  /** Takes one message of the client's; these are not compressed. Returns the messages to answer with. */
  process(message: Uint8Array, out: ServerGraphicsOutput[]): Uint8Array[] {
    const answers: Uint8Array[] = [];
    const cursor = new ReadCursor(message, 'RDPGFX_HEADER');
    while (cursor.remaining > 0) {
      const pdu = decodeGfxPdu(cursor);
      if (pdu.kind === 'caps-advertise') {
        const caps = newestKnown(pdu.capsSets);
        if (caps === undefined) continue;
        this.#agreed = caps;
        answers.push(this.pack([{ kind: 'caps-confirm', capsSet: caps }]));
        out.push({ kind: 'graphics-ready', caps });
      } else if (pdu.kind === 'cache-import-offer') {
        // Nothing is taken over from an earlier session.
        answers.push(this.pack([{ kind: 'cache-import-reply', cacheSlots: [] }]));
      } else if (pdu.kind === 'frame-acknowledge') {
        const { frameId, queueDepth, totalFramesDecoded } = pdu;
        out.push({ kind: 'frame-acknowledged', frameId, queueDepth, totalFramesDecoded });
      }
    }
    return answers;
  }

  /** Messages of one moment as one message of the channel: [MS-RDPEGFX] 2.2.5 RDP_SEGMENTED_DATA. */
  pack(pdus: readonly SentGfxPdu[]): Uint8Array {
    return this.#zgfx.compress(concatBytes(...pdus.map(encodeGfxPdu)));
  }
}

function newestKnown(offered: readonly GfxCapsSet[]): GfxCapsSet | undefined {
  return offered
    .filter(({ version }) => KNOWN_VERSIONS.includes(version))
    .reduce<GfxCapsSet | undefined>(
      (best, set) => (best === undefined || set.version > best.version ? set : best),
      undefined,
    );
}
