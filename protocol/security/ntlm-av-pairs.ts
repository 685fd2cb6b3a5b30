import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { decodeUtf16le, encodeUtf16le } from '../core/text.ts';

/** [MS-NLMP] 2.2.2.1 AV_PAIR, AvId. */
export const AvId = {
  eol: 0,
  nbComputerName: 1,
  nbDomainName: 2,
  dnsComputerName: 3,
  dnsDomainName: 4,
  dnsTreeName: 5,
  flags: 6,
  timestamp: 7,
  singleHost: 8,
  targetName: 9,
  channelBindings: 10,
} as const;

/** Bits of MsvAvFlags. */
export const AvFlag = { constrained: 0x1, micPresent: 0x2, untrustedSpn: 0x4 } as const;

export interface AvPair {
  readonly id: number;
  readonly value: Uint8Array;
}

/** In the order of the wire, without MsvAvEOL; ids that we do not know survive. */
export type AvPairs = readonly AvPair[];

/**
 * [MS-NLMP] 2.2.2.1 AV_PAIR, a list of them up to MsvAvEOL. What follows that is left alone (clients pad).
 * @pdu [MS-NLMP] 2.2.2.1 AV_PAIR
 */
export function decodeAvPairs(bytes: Uint8Array): AvPairs {
  const cursor = new ReadCursor(bytes, 'AV_PAIR');
  const pairs: AvPair[] = [];
  for (;;) {
    const id = cursor.u16('AvId');
    const value = cursor.bytes(cursor.u16('AvLen'), 'Value');
    if (id === AvId.eol) return pairs;
    if (pairs.length >= MAX_AV_PAIRS) throw cursor.error('limit_exceeded', 'AvId', `more than ${MAX_AV_PAIRS} pairs`);
    pairs.push({ id, value: value.slice() });
  }
}

export function sizeOfAvPairs(pairs: AvPairs): number {
  return pairs.reduce((size, pair) => size + AV_HEADER + pair.value.length, AV_HEADER);
}

export function encodeAvPairs(pairs: AvPairs): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfAvPairs(pairs));
  for (const { id, value } of pairs) {
    cursor.u16(id);
    cursor.u16(value.length);
    cursor.bytes(value);
  }
  cursor.u16(AvId.eol);
  cursor.u16(0);
  return cursor.finish();
}

export function findAv(pairs: AvPairs | undefined, id: number): Uint8Array | undefined {
  return pairs?.find((pair) => pair.id === id)?.value;
}

export function avText(id: number, text: string): AvPair {
  return { id, value: encodeUtf16le(text) };
}

export function findAvText(pairs: AvPairs | undefined, id: number): string | undefined {
  const value = findAv(pairs, id);
  return value === undefined ? undefined : decodeUtf16le(value);
}

/** MsvAvFlags, zero where there is none. */
export function avFlags(pairs: AvPairs | undefined): number {
  const value = findAv(pairs, AvId.flags);
  return value?.length === 4 ? new ReadCursor(value, 'AV_PAIR').u32('MsvAvFlags') : 0;
}

export function avFlagsPair(flags: number): AvPair {
  const cursor = new WriteCursor(4);
  cursor.u32(flags);
  return { id: AvId.flags, value: cursor.finish() };
}

/** MsvAvTimestamp, a FILETIME of 8 bytes; undefined where there is none or it has another size. */
export function avTimestamp(pairs: AvPairs | undefined): Uint8Array | undefined {
  const value = findAv(pairs, AvId.timestamp);
  return value?.length === 8 ? value : undefined;
}

/** FILETIME: 100 ns since 1601, from milliseconds since the epoch. */
export function fileTime(milliseconds: number): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(8);
  cursor.u64((BigInt(Math.trunc(milliseconds)) + FILETIME_EPOCH_MS) * 10_000n);
  return cursor.finish();
}

/** Milliseconds since the epoch, from a FILETIME of 8 bytes. */
export function fileTimeToMs(value: Uint8Array): number {
  return Number(new ReadCursor(value, 'FILETIME').u64('FILETIME') / 10_000n - FILETIME_EPOCH_MS);
}

/** AvId and AvLen. */
const AV_HEADER = 4;
/** There are eleven ids; a server repeats none. */
const MAX_AV_PAIRS = 64;
/** From 1601-01-01 to 1970-01-01. */
const FILETIME_EPOCH_MS = 11_644_473_600_000n;
