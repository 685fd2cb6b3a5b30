/**
 * Network characteristics detection ([MS-RDPBCGR] 2.2.14): what follows the security header of the Auto-Detect Request
 * and Response PDUs on the message channel.
 */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { SecurityFlags, withSecurityHeader } from './security-header.ts';

/** [MS-RDPBCGR] 2.2.14.1. `connecting`: sent during the connection sequence, else after it. */
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

export interface NetworkCharacteristics {
  /** Milliseconds. */
  readonly baseRtt?: number;
  /** Kilobits a second. */
  readonly bandwidth?: number;
  /** Milliseconds. */
  readonly averageRtt?: number;
}

/** [MS-RDPBCGR] 2.2.14.2. */
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

const ResponseType = { rtt: 0x0000, bandwidthConnecting: 0x0003, bandwidth: 0x000b } as const;

const TYPE_ID_REQUEST = 0x00;
const TYPE_ID_RESPONSE = 0x01;

/** headerLength, headerTypeId, sequenceNumber, request or response type. */
const HEADER_SIZE = 6;
/** A header with two u32 behind it. */
const RESULTS_HEADER_SIZE = 0x0e;

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
    default:
      throw cursor.error('invalid_value', 'responseType', `0x${type.toString(16)}`);
  }
}

/** MCS user data for the message channel: the response behind its security header. */
export function autoDetectResponseMessage(response: AutoDetectResponse): Uint8Array<ArrayBuffer> {
  const size = sizeOfAutoDetectResponse(response);
  return withSecurityHeader(SecurityFlags.autoDetectResponse, size, (cursor) =>
    encodeAutoDetectResponse(response, cursor),
  );
}

function decodePayload(cursor: ReadCursor): Uint8Array {
  return cursor.bytes(cursor.u16('payloadLength'), 'payload');
}
