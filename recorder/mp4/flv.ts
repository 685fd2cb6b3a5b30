import { GatheredBytes } from './gathered-bytes.ts';

/** What an FLV stream of one H.264 track says (Adobe Flash Video File Format Specification 10.1, annex E). */
export type FlvPart =
  /** Contents of `avcC`, before the first frame. */
  | { readonly kind: 'configuration'; readonly bytes: Buffer }
  /** NAL units with their lengths, as a sample of an MP4 has them; `time` in milliseconds. */
  | { readonly kind: 'frame'; readonly bytes: Buffer; readonly time: number; readonly key: boolean };

/**
 * Reads the stream as it comes. A part is there as soon as its last byte is: unlike an MP4's, what stands before a frame says
 * nothing of how long it is shown.
 */
export class FlvReader {
  readonly #bytes = new GatheredBytes();
  /** Whether a tag comes next; before that the file's header. */
  #begun = false;

  /** @param bytes stay as they are: what is returned, and what is kept, lies in them. Throws where it is not such a stream. */
  push(bytes: Uint8Array): FlvPart[] {
    this.#bytes.push(bytes);
    this.#begun ||= isHeader(this.#bytes.take(HEADER_BYTES));
    const parts: FlvPart[] = [];
    for (let tag = this.#nextTag(); tag !== undefined; tag = this.#nextTag()) {
      const part = readTag(tag);
      if (part !== undefined) parts.push(part);
    }
    return parts;
  }

  #nextTag(): Buffer | undefined {
    const head = this.#begun ? this.#bytes.peek(TAG_BYTES) : undefined;
    return head && this.#bytes.take(TAG_BYTES + head.readUIntBE(1, 3) + TAG_SIZE_BYTES);
  }
}

/** Whether it is there. Throws where it is another. */
function isHeader(bytes: Buffer | undefined): boolean {
  if (bytes === undefined) return false;
  if (bytes.toString('latin1', 0, 3) !== 'FLV' || bytes.readUInt32BE(5) !== HEADER_BYTES - TAG_SIZE_BYTES) {
    throw new Error('the encoder does not make an FLV');
  }
  return true;
}

/** E.4.1 and E.4.3. */
function readTag(tag: Buffer): FlvPart | undefined {
  const end = tag.length - TAG_SIZE_BYTES;
  if (tag.readUInt32BE(end) !== end) throw new Error('a tag of the FLV is not as long as it says');
  if (tag[0] !== TAG_VIDEO || end < TAG_BYTES + VIDEO_HEADER_BYTES) return undefined;
  // The highest byte comes last.
  const time = tag.readUIntBE(4, 3) + (tag[7] ?? 0) * 0x1000000;
  const coding = tag[TAG_BYTES] ?? 0;
  if ((coding & 0xf) !== CODEC_AVC) throw new Error('the FLV is not of H.264');
  const bytes = tag.subarray(TAG_BYTES + VIDEO_HEADER_BYTES, end);
  switch (tag[TAG_BYTES + 1]) {
    case PACKET_CONFIGURATION:
      return { kind: 'configuration', bytes };
    case PACKET_FRAME:
      return { kind: 'frame', bytes, time, key: coding >> 4 === FRAME_KEY };
    default:
      return undefined;
  }
}

/** Size of the (missing) tag before each tag; one stands behind the file's header as well. */
const TAG_SIZE_BYTES = 4;
const HEADER_BYTES = 9 + TAG_SIZE_BYTES;
const TAG_BYTES = 11;
/** Frame type and codec, packet type, and a composition time that is always 0 without B frames. */
const VIDEO_HEADER_BYTES = 5;
const TAG_VIDEO = 9;
const CODEC_AVC = 7;
const FRAME_KEY = 1;
const PACKET_CONFIGURATION = 0;
const PACKET_FRAME = 1;
