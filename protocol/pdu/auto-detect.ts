/**
 * Network characteristics detection ([MS-RDPBCGR] 2.2.14): what follows the security header of the Auto-Detect Request
 * and Response PDUs on the message channel.
 */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { SecurityFlags, withSecurityHeader } from './security-header.ts';

/** [MS-RDPBCGR] 2.2.14.1, 2.2.14.1.1 to 2.2.14.1.5. `connecting`: sent during the connection sequence, else after it. */
export type AutoDetectRequest =
  /** @pdu RDP_RTT_REQUEST */
  | { readonly kind: 'rttRequest'; readonly sequence: number; readonly connecting: boolean }
  /** @pdu RDP_BW_START */
  | { readonly kind: 'bandwidthStart'; readonly sequence: number; readonly connecting: boolean }
  /** @pdu RDP_BW_PAYLOAD */
  | { readonly kind: 'bandwidthPayload'; readonly sequence: number; readonly payload: Uint8Array }
  /** `payload` is empty unless `connecting`. @pdu RDP_BW_STOP */
  | {
      readonly kind: 'bandwidthStop';
      readonly sequence: number;
      readonly connecting: boolean;
      readonly payload: Uint8Array;
    }
  /** What the server found; each where it has it. @pdu RDP_NETCHAR_RESULT */
  | ({ readonly kind: 'characteristics'; readonly sequence: number } & NetworkCharacteristics)
  | { readonly kind: 'unknown'; readonly sequence: number; readonly type: number };

/** What a server of ours sends. */
export type KnownAutoDetectRequest = Exclude<AutoDetectRequest, { kind: 'unknown' }>;

export interface NetworkCharacteristics {
  /** Milliseconds. */
  readonly baseRtt?: number;
  /** Kilobits a second. */
  readonly bandwidth?: number;
  /** Milliseconds. */
  readonly averageRtt?: number;
}

/** [MS-RDPBCGR] 2.2.14.2, 2.2.14.2.1 to 2.2.14.2.3. */
export type AutoDetectResponse =
  /** @pdu RDP_RTT_RESPONSE */
  | { readonly kind: 'rttResponse'; readonly sequence: number }
  /** `timeDelta` in milliseconds. @pdu RDP_BW_RESULTS */
  | {
      readonly kind: 'bandwidthResults';
      readonly sequence: number;
      readonly connecting: boolean;
      readonly timeDelta: number;
      readonly byteCount: number;
    }
  /** What the client knows of the network from before, in place of a measurement. @pdu RDP_NETCHAR_SYNC */
  | {
      readonly kind: 'characteristicsSync';
      readonly sequence: number;
      /** Kilobits a second. */
      readonly bandwidth: number;
      /** Milliseconds. */
      readonly rtt: number;
    };

const RequestType = {
  rtt: 0x0001,
  rttConnecting: 0x1001,
  bandwidthStart: 0x0014,
  bandwidthStartLossy: 0x0114,
  bandwidthStartConnecting: 0x1014,
  bandwidthPayload: 0x0002,
  bandwidthStopConnecting: 0x002b,
  bandwidthStop: 0x0429,
  bandwidthStopLossy: 0x0629,
  baseAndAverageRtt: 0x0840,
  bandwidthAndAverageRtt: 0x0880,
  all: 0x08c0,
} as const;

const ResponseType = {
  rtt: 0x0000,
  bandwidthConnecting: 0x0003,
  bandwidth: 0x000b,
  characteristicsSync: 0x0018,
} as const;

const TYPE_ID_REQUEST = 0x00;
const TYPE_ID_RESPONSE = 0x01;

/** headerLength, headerTypeId, sequenceNumber, request or response type. */
const HEADER_SIZE = 6;
/** A header with two u32 behind it. */
const RESULTS_HEADER_SIZE = 0x0e;
/** A header with a length behind it, which counts as part of it; the payload does not. */
const PAYLOAD_HEADER_SIZE = 0x08;

/** What follows the security header of an Auto-Detect Request PDU; `payload` is a view. */
export function decodeAutoDetectRequest(cursor: ReadCursor): AutoDetectRequest {
  cursor.skip(1, 'headerLength');
  const typeId = cursor.u8('headerTypeId');
  if (typeId !== TYPE_ID_REQUEST) throw cursor.error('invalid_value', 'headerTypeId', `${typeId} is not 0`);
  const sequence = cursor.u16('sequenceNumber');
  const type = cursor.u16('requestType');
  switch (type) {
    case RequestType.rtt:
    case RequestType.rttConnecting:
      return { kind: 'rttRequest', sequence, connecting: type === RequestType.rttConnecting };
    case RequestType.bandwidthStart:
    case RequestType.bandwidthStartLossy:
    case RequestType.bandwidthStartConnecting:
      return { kind: 'bandwidthStart', sequence, connecting: type === RequestType.bandwidthStartConnecting };
    case RequestType.bandwidthPayload:
      return { kind: 'bandwidthPayload', sequence, payload: decodePayload(cursor) };
    case RequestType.bandwidthStopConnecting:
      return { kind: 'bandwidthStop', sequence, connecting: true, payload: decodePayload(cursor) };
    case RequestType.bandwidthStop:
    case RequestType.bandwidthStopLossy:
      return { kind: 'bandwidthStop', sequence, connecting: false, payload: new Uint8Array(0) };
    case RequestType.baseAndAverageRtt: {
      const baseRtt = cursor.u32('baseRTT');
      return { kind: 'characteristics', sequence, baseRtt, averageRtt: cursor.u32('averageRTT') };
    }
    case RequestType.bandwidthAndAverageRtt: {
      const bandwidth = cursor.u32('bandwidth');
      return { kind: 'characteristics', sequence, bandwidth, averageRtt: cursor.u32('averageRTT') };
    }
    case RequestType.all: {
      const baseRtt = cursor.u32('baseRTT');
      const bandwidth = cursor.u32('bandwidth');
      return { kind: 'characteristics', sequence, baseRtt, bandwidth, averageRtt: cursor.u32('averageRTT') };
    }
    default:
      return { kind: 'unknown', sequence, type };
  }
}

export function sizeOfAutoDetectRequest(request: KnownAutoDetectRequest): number {
  return headerSize(request) + ('payload' in request ? request.payload.length : 0);
}

/**
 * What follows the security header of an Auto-Detect Request PDU, in the form for a reliable transport.
 * @throws UsageError if a stop outside of the connection sequence has a payload
 */
export function encodeAutoDetectRequest(request: KnownAutoDetectRequest, cursor: WriteCursor): void {
  cursor.u8(headerSize(request));
  cursor.u8(TYPE_ID_REQUEST);
  cursor.u16(request.sequence);
  switch (request.kind) {
    case 'rttRequest':
      cursor.u16(request.connecting ? RequestType.rttConnecting : RequestType.rtt);
      return;
    case 'bandwidthStart':
      cursor.u16(request.connecting ? RequestType.bandwidthStartConnecting : RequestType.bandwidthStart);
      return;
    case 'bandwidthPayload':
      cursor.u16(RequestType.bandwidthPayload);
      encodePayload(request.payload, cursor);
      return;
    case 'bandwidthStop':
      cursor.u16(request.connecting ? RequestType.bandwidthStopConnecting : RequestType.bandwidthStop);
      if (request.connecting) encodePayload(request.payload, cursor);
      else if (request.payload.length > 0) throw new UsageError('a payload stops only a measurement while connecting');
      return;
    case 'characteristics':
      encodeCharacteristics(request, cursor);
      return;
    default:
      request satisfies never;
  }
}

/** [MS-RDPBCGR] 2.2.14.3 as MCS user data for the message channel: the request behind its security header. */
export function autoDetectRequestMessage(request: KnownAutoDetectRequest): Uint8Array<ArrayBuffer> {
  return withSecurityHeader(SecurityFlags.autoDetectRequest, sizeOfAutoDetectRequest(request), (cursor) =>
    encodeAutoDetectRequest(request, cursor),
  );
}

export function sizeOfAutoDetectResponse(response: AutoDetectResponse): number {
  return response.kind === 'rttResponse' ? HEADER_SIZE : RESULTS_HEADER_SIZE;
}

export function encodeAutoDetectResponse(response: AutoDetectResponse, cursor: WriteCursor): void {
  cursor.u8(sizeOfAutoDetectResponse(response));
  cursor.u8(TYPE_ID_RESPONSE);
  cursor.u16(response.sequence);
  if (response.kind === 'rttResponse') {
    cursor.u16(ResponseType.rtt);
    return;
  }
  if (response.kind === 'characteristicsSync') {
    cursor.u16(ResponseType.characteristicsSync);
    cursor.u32(response.bandwidth);
    cursor.u32(response.rtt);
    return;
  }
  cursor.u16(response.connecting ? ResponseType.bandwidthConnecting : ResponseType.bandwidth);
  cursor.u32(response.timeDelta);
  cursor.u32(response.byteCount);
}

export function decodeAutoDetectResponse(cursor: ReadCursor): AutoDetectResponse {
  cursor.skip(1, 'headerLength');
  const typeId = cursor.u8('headerTypeId');
  if (typeId !== TYPE_ID_RESPONSE) throw cursor.error('invalid_value', 'headerTypeId', `${typeId} is not 1`);
  const sequence = cursor.u16('sequenceNumber');
  const type = cursor.u16('responseType');
  switch (type) {
    case ResponseType.rtt:
      return { kind: 'rttResponse', sequence };
    case ResponseType.bandwidth:
    case ResponseType.bandwidthConnecting: {
      const connecting = type === ResponseType.bandwidthConnecting;
      const timeDelta = cursor.u32('timeDelta');
      return { kind: 'bandwidthResults', sequence, connecting, timeDelta, byteCount: cursor.u32('byteCount') };
    }
    case ResponseType.characteristicsSync: {
      const bandwidth = cursor.u32('bandwidth');
      return { kind: 'characteristicsSync', sequence, bandwidth, rtt: cursor.u32('rtt') };
    }
    default:
      throw cursor.error('invalid_value', 'responseType', `0x${type.toString(16)}`);
  }
}

/** [MS-RDPBCGR] 2.2.14.4 as MCS user data for the message channel: the response behind its security header. */
export function autoDetectResponseMessage(response: AutoDetectResponse): Uint8Array<ArrayBuffer> {
  const size = sizeOfAutoDetectResponse(response);
  return withSecurityHeader(SecurityFlags.autoDetectResponse, size, (cursor) =>
    encodeAutoDetectResponse(response, cursor),
  );
}

function headerSize(request: KnownAutoDetectRequest): number {
  switch (request.kind) {
    case 'bandwidthPayload':
      return PAYLOAD_HEADER_SIZE;
    case 'bandwidthStop':
      return request.connecting ? PAYLOAD_HEADER_SIZE : HEADER_SIZE;
    case 'characteristics':
      return HEADER_SIZE + 4 * presentFields(request).length;
    default:
      return HEADER_SIZE;
  }
}

function encodeCharacteristics(
  request: Extract<AutoDetectRequest, { kind: 'characteristics' }>,
  cursor: WriteCursor,
): void {
  const { baseRtt, bandwidth, averageRtt } = request;
  if (averageRtt === undefined || (baseRtt ?? bandwidth) === undefined) {
    throw new UsageError('network characteristics are an average and a base round-trip time, a bandwidth, or both');
  }
  const { all, baseAndAverageRtt, bandwidthAndAverageRtt } = RequestType;
  if (baseRtt !== undefined && bandwidth !== undefined) cursor.u16(all);
  else cursor.u16(baseRtt === undefined ? bandwidthAndAverageRtt : baseAndAverageRtt);
  for (const value of presentFields(request)) cursor.u32(value);
}

function presentFields({ baseRtt, bandwidth, averageRtt }: NetworkCharacteristics): number[] {
  return [baseRtt, bandwidth, averageRtt].filter((value) => value !== undefined);
}

function encodePayload(payload: Uint8Array, cursor: WriteCursor): void {
  cursor.u16(payload.length);
  cursor.bytes(payload);
}

function decodePayload(cursor: ReadCursor): Uint8Array {
  if (cursor.remaining === 0) return cursor.rest();
  return cursor.bytes(cursor.u16('payloadLength'), 'payload');
}
