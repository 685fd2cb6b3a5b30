/**
 * The client's end of the message channel, while connecting and afterwards: answers network auto-detection, refuses
 * further transports, notes heartbeats. A server that asks and gets no answer stops drawing sooner or later.
 */
import { ReadCursor } from '../core/cursor.ts';
import {
  type AutoDetectRequest,
  autoDetectResponseMessage,
  decodeAutoDetectRequest,
  type NetworkCharacteristics,
} from '../pdu/auto-detect.ts';
import { decodeHeartbeat, type Heartbeat } from '../pdu/heartbeat.ts';
import {
  decodeMultitransportRequest,
  encodeMultitransportResponse,
  MULTITRANSPORT_ABORTED,
  sizeOfMultitransportResponse,
} from '../pdu/multitransport.ts';
import { decodeBasicSecurityHeader, SecurityFlags, withSecurityHeader } from '../pdu/security-header.ts';

/** byteCount and timeDelta have 32 bits. */
const MAX_U32 = 0xffffffff;

/** [MS-RDPBCGR] 3.2.5.14: the header of what measures the bandwidth while connecting counts as data, too. */
const PAYLOAD_HEADER_SIZE = 8;

export class MessageChannel {
  #measurement: { readonly startedAt: number; bytes: number } | undefined;
  #characteristics: NetworkCharacteristics = {};
  #heartbeat: Heartbeat | undefined;

  /** What the server last told of the network. */
  get characteristics(): NetworkCharacteristics {
    return this.#characteristics;
  }

  /** What the server promised with its last heartbeat; nothing while it has sent none. */
  get heartbeat(): Heartbeat | undefined {
    return this.#heartbeat;
  }

  /**
   * Counts what comes from the server: after the connection sequence its ordinary data measures the bandwidth.
   * Frames on the message channel itself included.
   */
  received(bytes: number): void {
    if (this.#measurement !== undefined) this.#measurement.bytes += bytes;
  }

  /**
   * @param userData of a Send Data Indication on the message channel
   * @param now milliseconds
   * @returns user data to send back on it, if any
   */
  receive(userData: Uint8Array, now: number): Uint8Array | undefined {
    const cursor = new ReadCursor(userData, 'TS_SECURITY_HEADER');
    const { flags } = decodeBasicSecurityHeader(cursor);
    const body = cursor.rest();
    if (flags & SecurityFlags.autoDetectRequest) {
      return this.#detect(decodeAutoDetectRequest(new ReadCursor(body, 'autoDetectReqPduData')), now);
    }
    if (flags & SecurityFlags.transportRequest) {
      const { requestId } = decodeMultitransportRequest(new ReadCursor(body, 'TS_INITIATE_MULTITRANSPORT'));
      const response = { requestId, result: MULTITRANSPORT_ABORTED };
      return withSecurityHeader(SecurityFlags.transportResponse, sizeOfMultitransportResponse(), (out) =>
        encodeMultitransportResponse(response, out),
      );
    }
    if (flags & SecurityFlags.heartbeat) {
      this.#heartbeat = decodeHeartbeat(new ReadCursor(body, 'TS_HEARTBEAT_PDU'));
    }
    return undefined;
  }

  #detect(request: AutoDetectRequest, now: number): Uint8Array | undefined {
    const { sequence } = request;
    switch (request.kind) {
      case 'rttRequest':
        return autoDetectResponseMessage({ kind: 'rttResponse', sequence });
      case 'bandwidthStart':
        this.#measurement = { startedAt: now, bytes: 0 };
        return undefined;
      case 'bandwidthPayload':
        this.received(PAYLOAD_HEADER_SIZE + request.payload.length);
        return undefined;
      case 'bandwidthStop': {
        if (request.connecting) this.received(PAYLOAD_HEADER_SIZE + request.payload.length);
        const { startedAt, bytes } = this.#measurement ?? { startedAt: now, bytes: 0 };
        this.#measurement = undefined;
        return autoDetectResponseMessage({
          kind: 'bandwidthResults',
          sequence,
          connecting: request.connecting,
          // A clock that is set back must not look like 49 days.
          timeDelta: Math.min(Math.max(0, Math.round(now - startedAt)), MAX_U32),
          byteCount: Math.min(bytes, MAX_U32),
        });
      }
      case 'characteristics': {
        const { kind: _kind, sequence: _sequence, ...characteristics } = request;
        this.#characteristics = { ...this.#characteristics, ...characteristics };
        return undefined;
      }
      default:
        return undefined;
    }
  }
}
