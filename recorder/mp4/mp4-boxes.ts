/** Boxes of an MP4 (ISO/IEC 14496-12 section 4.2), and what stands in them: all big-endian. */

export function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, BOX_HEADER);
  return Buffer.concat([u32(size), ascii(type), ...parts]);
}

export function fullBox(type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Buffer {
  return box(type, u32(version * 0x1000000 + flags), ...parts);
}

export function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => {
    bytes.writeUInt16BE(value, i * 2);
  });
  return bytes;
}

export function u32(...values: readonly number[]): Buffer {
  return u32s(values);
}

/** Of more than a call may have arguments. */
export function u32s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, i * 4);
  });
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export const zeros = (length: number): Buffer => Buffer.alloc(length);

/** Size and type. */
export const BOX_HEADER = 8;
export const UNITY_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
/** Section 8.7: what a track shows is in the same file. */
export const DATA_IN_FILE = box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1)));
