/** The files that a clipboard holds: names and sizes; what is in them is asked for by their position in the list. */
import { ReadCursor, WriteCursor } from '../../core/cursor.ts';
import { readFixedUtf16, writeFixedUtf16 } from '../../pdu/fixed-text.ts';

/** @pdu [MS-RDPECLIP] 2.2.5.2.3.1 CLIPRDR_FILEDESCRIPTOR */
export interface FileDescriptor {
  /** A path with `\` between its parts: relative, unless the peer breaks its word. Hostile, like all that a peer says. */
  readonly name: string;
  /** Bytes; where the peer does not say, it can be asked. */
  readonly size?: bigint;
  /** Of `FileAttributes`. */
  readonly attributes?: number;
  /** When it was last written to, in 100 ns since 1 January 1601. */
  readonly lastWriteTime?: bigint;
  /** Whether progress is to be shown while it is copied. */
  readonly showProgress: boolean;
}

/** [MS-RDPECLIP] 2.2.5.2.3.1, `fileAttributes`. */
export const FileAttributes = {
  readOnly: 0x01,
  hidden: 0x02,
  system: 0x04,
  directory: 0x10,
  archive: 0x20,
  normal: 0x80,
} as const;

/** Most files that are read of a list. A folder copied with everything in it may have more, which is no break of the protocol. */
export const MAX_CLIPBOARD_FILES = 10_000;

/** @pdu [MS-RDPECLIP] 2.2.5.2.3 CLIPRDR_FILELIST. The first `MAX_CLIPBOARD_FILES` of it. Throws `DecodeError`. */
export function decodeFileList(data: Uint8Array): FileDescriptor[] {
  const cursor = new ReadCursor(data, 'CLIPRDR_FILELIST');
  const count = Math.min(cursor.u32('cItems'), MAX_CLIPBOARD_FILES);
  const list = cursor.sub(count * DESCRIPTOR_SIZE, 'fileDescriptorArray', 'CLIPRDR_FILEDESCRIPTOR');
  return Array.from({ length: count }, () => decodeDescriptor(list));
}

export function sizeOfFileList(files: readonly FileDescriptor[]): number {
  return 4 + files.length * DESCRIPTOR_SIZE; // cItems, fileDescriptorArray
}

export function encodeFileList(files: readonly FileDescriptor[]): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfFileList(files));
  cursor.u32(files.length);
  for (const file of files) encodeDescriptor(file, cursor);
  return cursor.finish();
}

/** `flags`: which fields say something. */
const DescriptorFlags = { attributes: 0x04, writeTime: 0x20, fileSize: 0x40, showProgress: 0x4000 } as const;
/** UTF-16 units of a name, a NUL among them. */
const NAME_SIZE = 520;
/** flags, reserved1, fileAttributes, reserved2, lastWriteTime, fileSizeHigh, fileSizeLow, fileName. */
const DESCRIPTOR_SIZE = 4 + 32 + 4 + 16 + 8 + 4 + 4 + NAME_SIZE;

function decodeDescriptor(cursor: ReadCursor): FileDescriptor {
  const flags = cursor.u32('flags');
  cursor.skip(32, 'reserved1');
  const attributes = cursor.u32('fileAttributes');
  cursor.skip(16, 'reserved2');
  const lastWriteTime = cursor.u64('lastWriteTime');
  const high = cursor.u32('fileSizeHigh');
  const low = cursor.u32('fileSizeLow');
  return {
    name: readFixedUtf16(cursor, NAME_SIZE, 'fileName'),
    ...(flags & DescriptorFlags.fileSize && { size: (BigInt(high) << 32n) | BigInt(low) }),
    ...(flags & DescriptorFlags.attributes && { attributes }),
    ...(flags & DescriptorFlags.writeTime && { lastWriteTime }),
    showProgress: (flags & DescriptorFlags.showProgress) !== 0,
  };
}

function encodeDescriptor(file: FileDescriptor, cursor: WriteCursor): void {
  const { name, size, attributes, lastWriteTime, showProgress } = file;
  cursor.u32(
    (size === undefined ? 0 : DescriptorFlags.fileSize) |
      (attributes === undefined ? 0 : DescriptorFlags.attributes) |
      (lastWriteTime === undefined ? 0 : DescriptorFlags.writeTime) |
      (showProgress ? DescriptorFlags.showProgress : 0),
  );
  cursor.zeros(32); // reserved1
  cursor.u32(attributes ?? 0);
  cursor.zeros(16); // reserved2
  cursor.u64(lastWriteTime ?? 0n);
  cursor.u32(Number((size ?? 0n) >> 32n)); // fileSizeHigh
  cursor.u32(Number((size ?? 0n) & 0xffff_ffffn)); // fileSizeLow
  writeFixedUtf16(name, NAME_SIZE, cursor);
}
