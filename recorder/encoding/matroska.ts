/**
 * Just enough Matroska to hand raw pictures with real timestamps to ffmpeg's stdin (RFC 9559, RFC 8794).
 *
 * One V_UNCOMPRESSED I420 track, millisecond timestamps, a Segment of unknown size, and one Cluster of known size
 * a frame: a gap of an hour between two frames needs nothing special, and ffmpeg has a frame as soon as its last
 * byte arrives.
 */

/** The bytes that come before the first frame. */
export function encodeMatroskaHeader(width: number, height: number): Uint8Array {
  return concat([
    element(Id.ebml, [
      unsigned(Id.ebmlVersion, 1),
      unsigned(Id.ebmlReadVersion, 1),
      unsigned(Id.ebmlMaxIdLength, 4),
      unsigned(Id.ebmlMaxSizeLength, 8),
      text(Id.docType, 'matroska'),
      unsigned(Id.docTypeVersion, 4),
      unsigned(Id.docTypeReadVersion, 2),
    ]),
    idBytes(Id.segment),
    UNKNOWN_SIZE,
    element(Id.info, [
      unsigned(Id.timestampScale, NANOSECONDS_PER_MILLISECOND),
      text(Id.muxingApp, 'oriel'),
      text(Id.writingApp, 'oriel'),
    ]),
    element(Id.tracks, [
      element(Id.trackEntry, [
        unsigned(Id.trackNumber, TRACK_NUMBER),
        unsigned(Id.trackUid, 1),
        unsigned(Id.trackType, TRACK_TYPE_VIDEO),
        unsigned(Id.flagLacing, 0),
        // Keeps ffmpeg from guessing a frame rate, and so from guessing how long the last frame lasts.
        unsigned(Id.defaultDuration, NANOSECONDS_PER_MILLISECOND),
        text(Id.codecId, 'V_UNCOMPRESSED'),
        element(Id.video, [
          unsigned(Id.flagInterlaced, PROGRESSIVE),
          unsigned(Id.pixelWidth, width),
          unsigned(Id.pixelHeight, height),
          text(Id.uncompressedFourCc, 'I420'),
          element(Id.colour, [
            unsigned(Id.matrixCoefficients, BT_709),
            unsigned(Id.range, BROADCAST_RANGE),
            unsigned(Id.transferCharacteristics, BT_709),
            unsigned(Id.primaries, BT_709),
          ]),
        ]),
      ]),
    ]),
  ]);
}

/** The bytes that come right before a frame's `payloadBytes` bytes of planes; `timestamp` in whole milliseconds. */
export function encodeFrameHeader(timestamp: number, payloadBytes: number): Uint8Array {
  const clusterTime = unsigned(Id.clusterTimestamp, timestamp);
  const blockSize = BLOCK_HEADER.byteLength + payloadBytes;
  const block = concat([idBytes(Id.simpleBlock), sizeBytes(blockSize), BLOCK_HEADER]);
  const clusterSize = clusterTime.byteLength + block.byteLength + payloadBytes;
  return concat([idBytes(Id.cluster), sizeBytes(clusterSize), clusterTime, block]);
}

const Id = {
  ebml: 0x1a45dfa3,
  ebmlVersion: 0x4286,
  ebmlReadVersion: 0x42f7,
  ebmlMaxIdLength: 0x42f2,
  ebmlMaxSizeLength: 0x42f3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  flagLacing: 0x9c,
  defaultDuration: 0x23e383,
  codecId: 0x86,
  video: 0xe0,
  flagInterlaced: 0x9a,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  uncompressedFourCc: 0x2eb524,
  colour: 0x55b0,
  matrixCoefficients: 0x55b1,
  range: 0x55b9,
  transferCharacteristics: 0x55ba,
  primaries: 0x55bb,
  cluster: 0x1f43b675,
  clusterTimestamp: 0xe7,
  simpleBlock: 0xa3,
} as const;

const NANOSECONDS_PER_MILLISECOND = 1_000_000;
const TRACK_NUMBER = 1;
const TRACK_TYPE_VIDEO = 1;
const PROGRESSIVE = 2;
/** The same number in all three of ITU-T H.273's tables. */
const BT_709 = 1;
const BROADCAST_RANGE = 1;
/** RFC 8794 section 6.2: all size bits set means that the size is not known. */
const UNKNOWN_SIZE = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
/** Track number as a one-byte vint, timestamp relative to the cluster (always 0), flags: keyframe, no lacing. */
const BLOCK_HEADER = Uint8Array.of(0x80 | TRACK_NUMBER, 0, 0, 0x80);

function element(id: number, children: readonly Uint8Array[]): Uint8Array {
  const body = concat(children);
  return concat([idBytes(id), sizeBytes(body.byteLength), body]);
}

function unsigned(id: number, value: number): Uint8Array {
  return element(id, [bigEndian(value)]);
}

function text(id: number, value: string): Uint8Array {
  return element(id, [new TextEncoder().encode(value)]);
}

function idBytes(id: number): Uint8Array {
  return bigEndian(id);
}

/** An element size as an eight-byte vint: 56 bits are more than a number holds exactly, and eight bytes a level are nothing. */
function sizeBytes(size: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(size));
  bytes[0] = 0x01;
  return bytes;
}

/** Shortest big-endian form, at least one byte; by division, since timestamps outgrow 32-bit shifts after 24 days. */
function bigEndian(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(rest % 256);
    rest = Math.floor(rest / 256);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}
