import { concatBytes } from '../core/bytes.ts';
import type { ReadCursor } from '../core/cursor.ts';
import { decodeUtf8, encodeUtf8 } from '../core/text.ts';

/** [MS-RDPEDYC] 2.2, `Cmd`. */
export const DynamicCommand = {
  create: 0x1,
  dataFirst: 0x2,
  data: 0x3,
  close: 0x4,
  capabilities: 0x5,
  dataFirstCompressed: 0x6,
  dataCompressed: 0x7,
  softSyncRequest: 0x8,
  softSyncResponse: 0x9,
} as const;

/** Longest channel name accepted; the specification sets none, and real ones are under 64 characters. */
export const MAX_CHANNEL_NAME = 256;

/** A message of [MS-RDPEDYC] 2.2 as the client sees it. Data are views. */
export type DynamicPdu =
  | { readonly kind: 'capabilities'; readonly version: number }
  | { readonly kind: 'create'; readonly channelId: number; readonly name: string; readonly priority: number }
  | { readonly kind: 'create-response'; readonly channelId: number; readonly status: number }
  | {
      readonly kind: 'data-first';
      readonly channelId: number;
      readonly length: number;
      readonly data: Uint8Array;
      readonly compressed: boolean;
    }
  | { readonly kind: 'data'; readonly channelId: number; readonly data: Uint8Array; readonly compressed: boolean }
  | { readonly kind: 'close'; readonly channelId: number }
  | { readonly kind: 'soft-sync-request' }
  | { readonly kind: 'unknown'; readonly command: number };

/** @param fromServer the two directions give Create different bodies */
export function decodeDynamicPdu(cursor: ReadCursor, fromServer: boolean): DynamicPdu {
  const header = cursor.u8('header');
  const idBytes = 1 << Math.min(header & 0x3, 2);
  const sp = (header >> 2) & 0x3;
  const command = header >> 4;
  switch (command) {
    case DynamicCommand.capabilities:
      cursor.skip(1, 'pad');
      // Priority charges follow in versions 2 and 3; they steer the server's sending only.
      return { kind: 'capabilities', version: cursor.u16('version') };
    case DynamicCommand.create: {
      const channelId = readSized(cursor, idBytes, 'channelId');
      if (!fromServer) return { kind: 'create-response', channelId, status: cursor.u32('creationStatus') };
      return { kind: 'create', channelId, name: readName(cursor), priority: sp };
    }
    case DynamicCommand.dataFirst:
    case DynamicCommand.dataFirstCompressed: {
      const channelId = readSized(cursor, idBytes, 'channelId');
      const length = readSized(cursor, 1 << Math.min(sp, 2), 'length');
      const compressed = command === DynamicCommand.dataFirstCompressed;
      return { kind: 'data-first', channelId, length, data: cursor.rest(), compressed };
    }
    case DynamicCommand.data:
    case DynamicCommand.dataCompressed: {
      const channelId = readSized(cursor, idBytes, 'channelId');
      return { kind: 'data', channelId, data: cursor.rest(), compressed: command === DynamicCommand.dataCompressed };
    }
    case DynamicCommand.close:
      return { kind: 'close', channelId: readSized(cursor, idBytes, 'channelId') };
    case DynamicCommand.softSyncRequest:
      return { kind: 'soft-sync-request' };
    default:
      return { kind: 'unknown', command };
  }
}

/** [MS-RDPEDYC] 2.2.1.1.1 to 2.2.1.1.3, and 2.2.1.2 in answer; a server's request of version 2 and 3 ends with four priority charges. */
export function encodeCapabilities(version: number, fromServer: boolean): Uint8Array {
  const body = Uint8Array.of(DynamicCommand.capabilities << 4, 0, version & 0xff, version >> 8);
  return fromServer && version >= 2 ? concatBytes(body, new Uint8Array(8)) : body;
}

/** [MS-RDPEDYC] 2.2.2.1 DYNVC_CREATE_REQ. */
export function encodeCreateRequest(channelId: number, name: string): Uint8Array {
  return concatBytes(head(DynamicCommand.create, 0, channelId), encodeUtf8(name), Uint8Array.of(0));
}

/** [MS-RDPEDYC] 2.2.2.2 DYNVC_CREATE_RSP. @param status an HRESULT: zero, or negative where it failed */
export function encodeCreateResponse(channelId: number, status: number): Uint8Array {
  const value = status >>> 0;
  return concatBytes(
    head(DynamicCommand.create, 0, channelId),
    Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24),
  );
}

/** [MS-RDPEDYC] 2.2.4 DYNVC_CLOSE. */
export function encodeClose(channelId: number): Uint8Array {
  return head(DynamicCommand.close, 0, channelId);
}

/** [MS-RDPEDYC] 2.2.5.2 DYNVC_SOFT_SYNC_RESPONSE, with none of the tunnels that the server would write to. */
export function encodeSoftSyncResponse(): Uint8Array {
  return Uint8Array.of(DynamicCommand.softSyncResponse << 4, 0 /* Pad */, 0, 0, 0, 0 /* NumberOfTunnels */);
}

/** [MS-RDPEDYC] 2.2.3: a message as one Data PDU (2.2.3.2), or Data First (2.2.3.1) and more when it is larger than one PDU holds. */
export function encodeDynamicData(channelId: number, message: Uint8Array, pduSize: number): Uint8Array[] {
  const plain = head(DynamicCommand.data, 0, channelId);
  if (plain.length + message.length <= pduSize) return [concatBytes(plain, message)];
  const lengthBytes = message.length <= 0xff ? 1 : message.length <= 0xffff ? 2 : 4;
  const first = concatBytes(
    head(DynamicCommand.dataFirst, lengthBytes === 4 ? 2 : lengthBytes - 1, channelId),
    sized(message.length, lengthBytes),
  );
  const pdus = [concatBytes(first, message.subarray(0, pduSize - first.length))];
  for (let at = pduSize - first.length; at < message.length; at += pduSize - plain.length) {
    pdus.push(concatBytes(plain, message.subarray(at, at + pduSize - plain.length)));
  }
  return pdus;
}

function head(command: number, sp: number, channelId: number): Uint8Array {
  const idBytes = channelId <= 0xff ? 1 : channelId <= 0xffff ? 2 : 4;
  const cbId = idBytes === 4 ? 2 : idBytes - 1;
  const bytes = new Uint8Array(1 + idBytes);
  bytes[0] = (command << 4) | (sp << 2) | cbId;
  bytes.set(sized(channelId, idBytes), 1);
  return bytes;
}

function sized(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = value >>> (8 * i);
  return bytes;
}

function readSized(cursor: ReadCursor, bytes: number, field: string): number {
  return bytes === 1 ? cursor.u8(field) : bytes === 2 ? cursor.u16(field) : cursor.u32(field);
}

function readName(cursor: ReadCursor): string {
  const bytes = cursor.rest();
  const end = bytes.indexOf(0);
  if (end < 0) throw cursor.error('truncated', 'channelName', 'no terminator');
  if (end > MAX_CHANNEL_NAME) throw cursor.error('limit_exceeded', 'channelName', `${end} bytes`);
  return decodeUtf8(bytes.subarray(0, end));
}
