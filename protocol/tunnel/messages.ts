import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { encodeUtf8 } from '../core/text.ts';
import type { GraphicsUpdate } from '../graphics/update.ts';
import type { InputEvent } from '../pdu/input.ts';
import { type LockKeys, lockKeysOf, toggleFlagsOf } from '../pdu/lock-keys.ts';
import {
  type ClipboardNews,
  type ClipboardPart,
  encodeCopied,
  encodePart,
  encodeTerms,
  encodeText,
  encodeTransfer,
  readCopied,
  readPart,
  readTerms,
  readText,
  readTransfer,
} from './clipboard-records.ts';
import { openMessage, readJson, readPhase, textField, writeJson } from './fields.ts';
import {
  encodeFileOffer,
  encodeFilePart,
  encodeFileWanted,
  type FileOffer,
  type FilePart,
  readFileOffer,
  readFilePart,
  readFileWanted,
} from './file-records.ts';
import { readInputEvents, sizeOfInputEvents, writeInputEvents } from './input-records.ts';
import { TunnelLimits } from './limits.ts';
import {
  type ModeMessage,
  type PictureChoice,
  readChoice,
  readMode,
  readModeName,
  sizeOfMode,
  type ViewerMode,
  writeChoice,
  writeMode,
  writeModeName,
} from './mode-records.ts';
import type { PointerShapeMessage, Region } from './regions.ts';
import { readPointerShape, readRegions, sizeOfRegions, writePointerShape, writeRegions } from './regions.ts';

export {
  type ClipboardNews,
  type ClipboardTerms,
  type CopiedKinds,
  partsOfText,
  type TransferProgress,
} from './clipboard-records.ts';
export type { FileOffer, FilePart, FileWanted, OfferedFile } from './file-records.ts';
export { TunnelLimits } from './limits.ts';
export type { DeflatedState, ModeMessage, PictureChoice, ViewerMode } from './mode-records.ts';
export type { CopyRegion, PictureRegion, PointerShapeMessage, Region, RegionEncoding } from './regions.ts';

/**
 * The tunnel: what gateway and browser say to each other over one WebSocket, described in docs/tunnel.md.
 * One WebSocket message is one tunnel message; its first byte is the type. All numbers are little-endian.
 */
export const TUNNEL_VERSION = 1;
export const TUNNEL_SUBPROTOCOL = 'oriel.v1';
export const TUNNEL_PATH = '/tunnel';

/** First byte of a message. From 0x80 up: browser to gateway. */
export const MessageType = {
  hello: 0x01,
  phase: 0x02,
  graphics: 0x10,
  regions: 0x11,
  desktopSize: 0x12,
  pointerShape: 0x13,
  pointerPosition: 0x14,
  lockKeys: 0x15,
  mode: 0x16,
  ended: 0x20,
  notice: 0x21,
  pong: 0x31,
  clipboardTerms: 0x40,
  clipboardCopied: 0x41,
  clipboardText: 0x42,
  clipboardFiles: 0x43,
  fileWanted: 0x44,
  fileTransfer: 0x45,
  attach: 0x81,
  input: 0x82,
  ack: 0x83,
  ping: 0x84,
  endSession: 0x85,
  resize: 0x86,
  visibility: 0x87,
  clipboardOffer: 0x88,
  fileOffer: 0x89,
  filePart: 0x8a,
  fileCancel: 0x8b,
  pictures: 0x8c,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** In place of a number, in a graphics message: nobody waits to hear that it is drawn. */
export const NOT_ACKNOWLEDGED = 0;

export type ViewerRole = 'owner' | 'shadow';
/** What the gateway says. Byte arrays in decoded messages are views of the message. */
export type GatewayMessage =
  | { readonly type: 'hello'; readonly version: number; readonly role: ViewerRole; readonly mode: ViewerMode }
  /** The connection sequence has entered this phase; for showing progress. */
  | { readonly type: 'phase'; readonly phase: string }
  /** `seq` may be `NOT_ACKNOWLEDGED`. */
  | { readonly type: 'graphics'; readonly seq: number; readonly updates: readonly GraphicsUpdate[] }
  | { readonly type: 'regions'; readonly seq: number; readonly regions: readonly Region[] }
  | ModeMessage
  /** Regions mode: the desktop has this size and is blank. Comes before the first regions. */
  | { readonly type: 'desktop-size'; readonly width: number; readonly height: number }
  | PointerShapeMessage
  | { readonly type: 'pointer-position'; readonly x: number; readonly y: number }
  /** The toggle keys as the server has them. */
  | ({ readonly type: 'lock-keys' } & LockKeys)
  /** The session or this viewer's part in it is over; the socket closes. `code` is a row of docs/errors.md. */
  | { readonly type: 'ended'; readonly code: string; readonly message: string; readonly hint?: string }
  /** Something the user should know. */
  | ({ readonly type: 'notice' } & Notice)
  | { readonly type: 'pong'; readonly value: number }
  | ClipboardNews;

export interface Notice {
  readonly code: string;
  readonly message: string;
  /** How many announced shadows are now watching. */
  readonly viewers?: number;
  /** Whose word or doing it is. */
  readonly from?: string;
}

/** What the browser says. */
export type BrowserMessage =
  | { readonly type: 'attach'; readonly ticket: string; readonly version: number }
  | { readonly type: 'input'; readonly events: readonly InputEvent[] }
  /** Everything up to this graphics, regions or mode message has been drawn. */
  | { readonly type: 'ack'; readonly seq: number }
  | { readonly type: 'ping'; readonly value: number }
  | { readonly type: 'end-session' }
  /** The owner would like the desktop in this size; the server may leave it as it is. */
  | { readonly type: 'resize'; readonly width: number; readonly height: number }
  /** How the owner would like to be served. A browser that never says so understands no change of mode. */
  | { readonly type: 'pictures'; readonly choice: PictureChoice }
  /** Whether the page is seen at all: a hidden one needs no pictures. */
  | { readonly type: 'visibility'; readonly visible: boolean }
  /** Text of the user's clipboard, for the desktop's. */
  | ({ readonly type: 'clipboard-offer' } & ClipboardPart)
  /** Files for the desktop's clipboard. */
  | ({ readonly type: 'file-offer' } & FileOffer)
  | ({ readonly type: 'file-part' } & FilePart)
  /** A file is not to go on its way. */
  | { readonly type: 'file-cancel'; readonly id: number };

/** @throws {UsageError} when a value does not fit its field */
export function encodeGatewayMessage(message: GatewayMessage): Uint8Array<ArrayBuffer> {
  switch (message.type) {
    case 'hello': {
      const cursor = open(MessageType.hello, 2 + 1 + 1); // version, role, mode
      cursor.u16(message.version);
      cursor.u8(message.role === 'shadow' ? 1 : 0);
      writeModeName(cursor, message.mode);
      return cursor.finish();
    }
    case 'phase': {
      const text = encodeUtf8(message.phase);
      const cursor = open(MessageType.phase, text.length);
      cursor.bytes(text);
      return cursor.finish();
    }
    case 'graphics':
      return encodeGraphics(message.seq, message.updates);
    case 'regions': {
      const cursor = open(MessageType.regions, 4 + sizeOfRegions(message.regions)); // seq, regions
      cursor.u32(message.seq);
      writeRegions(cursor, message.regions);
      return cursor.finish();
    }
    case 'mode': {
      const cursor = open(MessageType.mode, sizeOfMode(message));
      writeMode(cursor, message);
      return cursor.finish();
    }
    case 'desktop-size': {
      const cursor = open(MessageType.desktopSize, 2 + 2); // width, height
      cursor.u16(message.width);
      cursor.u16(message.height);
      return cursor.finish();
    }
    case 'pointer-shape':
      return writePointerShape(message);
    case 'pointer-position': {
      const cursor = open(MessageType.pointerPosition, 2 + 2); // x, y
      cursor.u16(message.x);
      cursor.u16(message.y);
      return cursor.finish();
    }
    case 'lock-keys': {
      const cursor = open(MessageType.lockKeys, 1); // flags
      cursor.u8(toggleFlagsOf(message));
      return cursor.finish();
    }
    case 'ended':
      return writeJson(MessageType.ended, {
        code: message.code,
        message: message.message,
        ...(message.hint === undefined ? {} : { hint: message.hint }),
      });
    case 'notice':
      return writeJson(MessageType.notice, {
        code: message.code,
        message: message.message,
        ...(message.viewers === undefined ? {} : { viewers: message.viewers }),
        ...(message.from === undefined ? {} : { from: message.from }),
      });
    case 'pong':
      return encodeU32(MessageType.pong, message.value);
    case 'clipboard-terms':
      return encodeTerms(MessageType.clipboardTerms, message);
    case 'clipboard-copied':
      return encodeCopied(MessageType.clipboardCopied, message);
    case 'clipboard-text':
      return encodeText(MessageType.clipboardText, message.text);
    case 'clipboard-files':
      return encodeFileOffer(MessageType.clipboardFiles, message);
    case 'file-wanted':
      return encodeFileWanted(MessageType.fileWanted, message);
    case 'file-transfer':
      return encodeTransfer(MessageType.fileTransfer, message);
  }
}

/** @throws {DecodeError} when the gateway's bytes break the protocol */
export function decodeGatewayMessage(bytes: Uint8Array): GatewayMessage {
  const cursor = openMessage(bytes, 'tunnel message', TunnelLimits.gatewayMessageBytes);
  const type = cursor.u8('type');
  switch (type) {
    case MessageType.hello:
      return decodeHello(cursor);
    case MessageType.phase:
      return { type: 'phase', phase: readPhase(cursor) };
    case MessageType.graphics:
      return { type: 'graphics', seq: cursor.u32('seq'), updates: readUpdates(cursor) };
    case MessageType.regions:
      return { type: 'regions', seq: cursor.u32('seq'), regions: readRegions(cursor) };
    case MessageType.mode:
      return readMode(cursor);
    case MessageType.desktopSize: {
      const width = readSide(cursor, 'width');
      const height = readSide(cursor, 'height');
      cursor.expectEnd();
      return { type: 'desktop-size', width, height };
    }
    case MessageType.pointerShape:
      return readPointerShape(cursor);
    case MessageType.pointerPosition: {
      const message = { type: 'pointer-position', x: cursor.u16('x'), y: cursor.u16('y') } as const;
      cursor.expectEnd();
      return message;
    }
    case MessageType.lockKeys: {
      const flags = cursor.u8('flags');
      cursor.expectEnd();
      return { type: 'lock-keys', ...lockKeysOf(flags) };
    }
    case MessageType.ended: {
      const body = readJson(cursor);
      const ended = {
        type: 'ended',
        code: textField(cursor, body, 'code'),
        message: textField(cursor, body, 'message'),
      } as const;
      return body.hint === undefined ? ended : { ...ended, hint: textField(cursor, body, 'hint') };
    }
    case MessageType.notice: {
      const body = readJson(cursor);
      const notice = {
        type: 'notice',
        code: textField(cursor, body, 'code'),
        message: textField(cursor, body, 'message'),
        ...(body.from === undefined ? {} : { from: textField(cursor, body, 'from') }),
      } as const;
      const viewers = body.viewers;
      if (viewers === undefined) return notice;
      if (typeof viewers !== 'number' || !Number.isSafeInteger(viewers) || viewers < 0) {
        throw cursor.error('invalid_value', 'viewers', 'not a count');
      }
      return { ...notice, viewers };
    }
    case MessageType.pong:
      return { type: 'pong', value: readLastU32(cursor, 'value') };
    case MessageType.clipboardTerms:
      return { type: 'clipboard-terms', ...readTerms(cursor) };
    case MessageType.clipboardCopied:
      return { type: 'clipboard-copied', ...readCopied(cursor) };
    case MessageType.clipboardText:
      return { type: 'clipboard-text', text: readText(cursor) };
    case MessageType.clipboardFiles:
      return { type: 'clipboard-files', ...readFileOffer(cursor) };
    case MessageType.fileWanted:
      return { type: 'file-wanted', ...readFileWanted(cursor) };
    case MessageType.fileTransfer:
      return { type: 'file-transfer', ...readTransfer(cursor) };
    default:
      throw cursor.error('unexpected_message', 'type', `0x${type.toString(16)} is no message of the gateway`);
  }
}

/** @throws {UsageError} when a value does not fit its field */
export function encodeBrowserMessage(message: BrowserMessage): Uint8Array<ArrayBuffer> {
  switch (message.type) {
    case 'attach':
      return writeJson(MessageType.attach, { ticket: message.ticket, version: message.version });
    case 'input': {
      const cursor = open(MessageType.input, sizeOfInputEvents(message.events));
      writeInputEvents(cursor, message.events);
      return cursor.finish();
    }
    case 'ack':
      return encodeU32(MessageType.ack, message.seq);
    case 'ping':
      return encodeU32(MessageType.ping, message.value);
    case 'end-session':
      return open(MessageType.endSession, 0).finish();
    case 'resize': {
      const cursor = open(MessageType.resize, 2 + 2); // width, height
      cursor.u16(message.width);
      cursor.u16(message.height);
      return cursor.finish();
    }
    case 'visibility': {
      const cursor = open(MessageType.visibility, 1); // visible
      cursor.u8(message.visible ? 1 : 0);
      return cursor.finish();
    }
    case 'pictures': {
      const cursor = open(MessageType.pictures, 1); // choice
      writeChoice(cursor, message.choice);
      return cursor.finish();
    }
    case 'clipboard-offer':
      return encodePart(MessageType.clipboardOffer, message);
    case 'file-offer':
      return encodeFileOffer(MessageType.fileOffer, message);
    case 'file-part':
      return encodeFilePart(MessageType.filePart, message);
    case 'file-cancel':
      return encodeU32(MessageType.fileCancel, message.id);
  }
}

/** @throws {DecodeError} when the browser's bytes break the protocol */
export function decodeBrowserMessage(bytes: Uint8Array): BrowserMessage {
  const cursor = openMessage(bytes, 'tunnel message', TunnelLimits.browserMessageBytes);
  const type = cursor.u8('type');
  switch (type) {
    case MessageType.attach: {
      const body = readJson(cursor);
      const version = body.version;
      if (typeof version !== 'number' || !Number.isInteger(version) || version < 0 || version > 0xffff) {
        throw cursor.error('invalid_value', 'version', 'not a version number');
      }
      return { type: 'attach', ticket: textField(cursor, body, 'ticket'), version };
    }
    case MessageType.input:
      return { type: 'input', events: readInputEvents(cursor) };
    case MessageType.ack:
      return { type: 'ack', seq: readLastU32(cursor, 'seq') };
    case MessageType.ping:
      return { type: 'ping', value: readLastU32(cursor, 'value') };
    case MessageType.endSession:
      cursor.expectEnd();
      return { type: 'end-session' };
    case MessageType.resize: {
      const width = readSide(cursor, 'width');
      const height = readSide(cursor, 'height');
      cursor.expectEnd();
      return { type: 'resize', width, height };
    }
    case MessageType.visibility: {
      const visible = cursor.u8('visible');
      if (visible > 1) throw cursor.error('invalid_value', 'visible', `${visible}`);
      cursor.expectEnd();
      return { type: 'visibility', visible: visible === 1 };
    }
    case MessageType.pictures: {
      const choice = readChoice(cursor);
      cursor.expectEnd();
      return { type: 'pictures', choice };
    }
    case MessageType.clipboardOffer:
      return { type: 'clipboard-offer', ...readPart(cursor) };
    case MessageType.fileOffer:
      return { type: 'file-offer', ...readFileOffer(cursor) };
    case MessageType.filePart:
      return { type: 'file-part', ...readFilePart(cursor) };
    case MessageType.fileCancel:
      return { type: 'file-cancel', id: readLastU32(cursor, 'id') };
    default:
      throw cursor.error('unexpected_message', 'type', `0x${type.toString(16)} is no message of the browser`);
  }
}

/** Bytes that one update adds to a graphics message; for cutting a batch before it passes the limit. */
export function sizeOfUpdate(update: GraphicsUpdate): number {
  return 1 + 4 + update.data.length; // code, length, data
}

/** The graphics message, written with one copy of each update. */
export function encodeGraphics(seq: number, updates: readonly GraphicsUpdate[]): Uint8Array<ArrayBuffer> {
  if (updates.length > TunnelLimits.updates) throw new UsageError(`${updates.length} updates in one graphics message`);
  let size = 4; // seq
  for (const update of updates) size += sizeOfUpdate(update);
  if (1 + size > TunnelLimits.gatewayMessageBytes) throw new UsageError(`graphics message of ${size} bytes`);
  const cursor = open(MessageType.graphics, size);
  cursor.u32(seq);
  for (const update of updates) {
    cursor.u8(update.code);
    cursor.u32(update.data.length);
    cursor.bytes(update.data);
  }
  return cursor.finish();
}

function readUpdates(cursor: ReadCursor): GraphicsUpdate[] {
  const updates: GraphicsUpdate[] = [];
  while (cursor.remaining > 0) {
    if (updates.length === TunnelLimits.updates) throw cursor.error('limit_exceeded', 'updates');
    const code = cursor.u8('code');
    updates.push({ code, data: cursor.bytes(cursor.u32('length'), 'data') });
  }
  return updates;
}

function decodeHello(cursor: ReadCursor): GatewayMessage {
  const version = cursor.u16('version');
  const role = cursor.u8('role');
  if (role > 1) throw cursor.error('invalid_value', 'role', `${role}`);
  const mode = readModeName(cursor);
  cursor.expectEnd();
  return { type: 'hello', version, role: role === 1 ? 'shadow' : 'owner', mode };
}

function readSide(cursor: ReadCursor, field: string): number {
  const side = cursor.u16(field);
  if (side === 0) throw cursor.error('invalid_value', field, 'zero');
  if (side > TunnelLimits.desktopSide) throw cursor.error('limit_exceeded', field, `${side}`);
  return side;
}

function readLastU32(cursor: ReadCursor, field: string): number {
  const value = cursor.u32(field);
  cursor.expectEnd();
  return value;
}

function encodeU32(type: MessageType, value: number): Uint8Array<ArrayBuffer> {
  const cursor = open(type, 4);
  cursor.u32(value);
  return cursor.finish();
}

/** A message of this type with `bodySize` bytes still to write. */
function open(type: MessageType, bodySize: number): WriteCursor {
  const cursor = new WriteCursor(1 + bodySize); // type, body
  cursor.u8(type);
  return cursor;
}
