import { ZgfxDecompressor, ZgfxDescriptor, ZgfxVariant } from '../codecs/zgfx.ts';
import { concatBytes } from '../core/bytes.ts';

/**
 * Expands what one dynamic channel's compressed PDUs carry ([MS-RDPEDYC] 2.2.3.3, 2.2.3.4). Each channel has one of its
 * own: its data refer to what it has had before (3.1.5.2.5).
 */
export class DynamicInflater {
  readonly #zgfx = new ZgfxDecompressor(ZgfxVariant.rdp8Lite);

  /** Throws `DecodeError`. */
  inflate(data: Uint8Array): Uint8Array {
    const [descriptor] = data;
    // 4.3.4 ends with a block that is an RDP8_BULK_ENCODED_DATA only, without a segment's descriptor in front.
    const isSegmented = descriptor === ZgfxDescriptor.single || descriptor === ZgfxDescriptor.multipart;
    return this.#zgfx.decompress(isSegmented ? data : concatBytes(Uint8Array.of(ZgfxDescriptor.single), data));
  }
}
