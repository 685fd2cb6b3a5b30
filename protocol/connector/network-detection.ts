/**
 * The server's end of the message channel, while connecting and afterwards: measures the network by what the client
 * answers ([MS-RDPBCGR] 3.3.5.14), and tells it what came of that.
 */
import { ReadCursor } from '../core/cursor.ts';
import {
  type AutoDetectResponse,
  autoDetectRequestMessage,
  decodeAutoDetectResponse,
  type NetworkCharacteristics,
} from '../pdu/auto-detect.ts';
import { encodeHeartbeat, type Heartbeat, sizeOfHeartbeat } from '../pdu/heartbeat.ts';
import { decodeBasicSecurityHeader, SecurityFlags, withSecurityHeader } from '../pdu/security-header.ts';

/** What a client's answer came to. */
export type NetworkMeasurement =
  /** Milliseconds. */
  | { readonly kind: 'round-trip'; readonly sequence: number; readonly milliseconds: number }
  /** In kilobits a second. */
  | { readonly kind: 'bandwidth'; readonly sequence: number; readonly bandwidth: number }
  /** The client knew, from the connection that this one takes the place of. */
  | { readonly kind: 'known'; readonly bandwidth: number; readonly milliseconds: number };

/** A client that takes longer does not answer at all. */
export const DETECTION_TIMEOUT_MS = 10_000;

/** Every method that returns bytes returns user data for the message channel. */
export class NetworkDetection {
  #sequence = 0;
  /** When each Round-Trip Request that is not answered yet was sent. */
  readonly #roundTrips = new Map<number, number>();
  /** The Bandwidth Measure Stop that is not answered yet. */
  #stopped: { readonly sequence: number; readonly connecting: boolean; readonly at: number } | undefined;
  #measuring = false;
  #samples: number[] = [];
  #baseRtt: number | undefined;
  #bandwidth: number | undefined;
  #unanswered = 0;

  /** As far as it was measured: the shortest and the average round trip of late, and the bandwidth. */
  get characteristics(): NetworkCharacteristics {
    const averageRtt = average(this.#samples);
    return {
      ...(this.#baseRtt !== undefined && { baseRtt: this.#baseRtt }),
      ...(this.#bandwidth !== undefined && { bandwidth: this.#bandwidth }),
      ...(averageRtt !== undefined && { averageRtt }),
    };
  }

  /** Requests that a client let time out. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Whether an answer is to come yet. */
  get waiting(): boolean {
    return this.#roundTrips.size > 0 || this.#stopped !== undefined;
  }

  /** @param now milliseconds; here and below */
  requestRoundTrip(now: number, connecting: boolean): Uint8Array {
    const sequence = this.#nextSequence();
    this.#roundTrips.set(sequence, now);
    return autoDetectRequestMessage({ kind: 'rttRequest', sequence, connecting });
  }

  /** The connect-time measurement of the bandwidth, whole: start, payloads, stop with the last of them. */
  measureConnecting(now: number): Uint8Array[] {
    const start = autoDetectRequestMessage({
      kind: 'bandwidthStart',
      sequence: this.#nextSequence(),
      connecting: true,
    });
    const payloads = Array.from({ length: CONNECT_PAYLOADS - 1 }, () =>
      autoDetectRequestMessage({ kind: 'bandwidthPayload', sequence: this.#nextSequence(), payload: PAYLOAD }),
    );
    const sequence = this.#nextSequence();
    this.#stopped = { sequence, connecting: true, at: now };
    const stop = autoDetectRequestMessage({ kind: 'bandwidthStop', sequence, connecting: true, payload: PAYLOAD });
    return [start, ...payloads, stop];
  }

  /** From here on the session's ordinary data is what is measured, until `stopBandwidth`. Nothing while a measurement runs. */
  startBandwidth(): Uint8Array | undefined {
    if (this.#measuring || this.#stopped !== undefined) return undefined;
    this.#measuring = true;
    return autoDetectRequestMessage({ kind: 'bandwidthStart', sequence: this.#nextSequence(), connecting: false });
  }

  stopBandwidth(now: number): Uint8Array | undefined {
    if (!this.#measuring) return undefined;
    this.#measuring = false;
    const sequence = this.#nextSequence();
    this.#stopped = { sequence, connecting: false, at: now };
    return autoDetectRequestMessage({ kind: 'bandwidthStop', sequence, connecting: false, payload: NO_PAYLOAD });
  }

  /** Tells the client what is known; nothing while that is too little. */
  report(): Uint8Array | undefined {
    const { baseRtt, bandwidth, averageRtt } = this.characteristics;
    if (averageRtt === undefined || (baseRtt ?? bandwidth) === undefined) return undefined;
    const sequence = this.#nextSequence();
    return autoDetectRequestMessage({ kind: 'characteristics', sequence, ...this.characteristics });
  }

  heartbeat(heartbeat: Heartbeat): Uint8Array {
    return withSecurityHeader(SecurityFlags.heartbeat, sizeOfHeartbeat(), (cursor) =>
      encodeHeartbeat(heartbeat, cursor),
    );
  }

  /**
   * @param userData of a Send Data Request on the message channel
   * @returns what it came to; nothing for an answer to what was not asked, or asked too long ago
   * @throws DecodeError
   */
  receive(userData: Uint8Array, now: number): NetworkMeasurement | undefined {
    const cursor = new ReadCursor(userData, 'TS_SECURITY_HEADER');
    const { flags } = decodeBasicSecurityHeader(cursor);
    // The only other thing that comes here refuses a transport, which was not asked for.
    if (!(flags & SecurityFlags.autoDetectResponse)) return undefined;
    return this.#answered(decodeAutoDetectResponse(new ReadCursor(cursor.rest(), 'autoDetectRspPduData')), now);
  }

  /** Gives up what was asked too long ago. */
  expire(now: number): void {
    for (const [sequence, at] of this.#roundTrips) {
      if (now - at < DETECTION_TIMEOUT_MS) continue;
      this.#roundTrips.delete(sequence);
      this.#unanswered++;
    }
    if (this.#stopped !== undefined && now - this.#stopped.at >= DETECTION_TIMEOUT_MS) {
      this.#stopped = undefined;
      this.#unanswered++;
    }
  }

  #answered(response: AutoDetectResponse, now: number): NetworkMeasurement | undefined {
    const { sequence } = response;
    switch (response.kind) {
      case 'rttResponse': {
        const at = this.#roundTrips.get(sequence);
        if (at === undefined) return undefined;
        this.#roundTrips.delete(sequence);
        // A clock that is set back must not make a network fast.
        const milliseconds = Math.max(0, Math.round(now - at));
        this.#sample(milliseconds);
        return { kind: 'round-trip', sequence, milliseconds };
      }
      case 'bandwidthResults': {
        if (this.#stopped?.sequence !== sequence || this.#stopped.connecting !== response.connecting) return undefined;
        this.#stopped = undefined;
        const bandwidth = kilobitsPerSecond(response.byteCount, response.timeDelta);
        this.#bandwidth = bandwidth;
        return { kind: 'bandwidth', sequence, bandwidth };
      }
      case 'characteristicsSync': {
        this.#roundTrips.clear();
        this.#stopped = undefined;
        this.#measuring = false;
        const { bandwidth, rtt } = response;
        this.#bandwidth = bandwidth;
        this.#sample(rtt);
        return { kind: 'known', bandwidth, milliseconds: rtt };
      }
      default:
        return response satisfies never;
    }
  }

  #sample(milliseconds: number): void {
    this.#samples = [...this.#samples.slice(1 - SAMPLES), milliseconds];
    this.#baseRtt = Math.min(this.#baseRtt ?? milliseconds, milliseconds);
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return this.#sequence;
  }
}

/** Enough to fill more than one window of a young TCP connection, and little beside a desktop's first picture. */
const CONNECT_PAYLOADS = 4;
const PAYLOAD = new Uint8Array(14_000);
const NO_PAYLOAD = new Uint8Array(0);

/** Round trips that the average is of. */
const SAMPLES = 8;

/** timeDelta and byteCount have 32 bits, and so has what is reported. */
const MAX_U32 = 0xffffffff;

function kilobitsPerSecond(bytes: number, milliseconds: number): number {
  // All of it within one tick of the client's clock: as much as a millisecond.
  return Math.min(MAX_U32, Math.round((bytes * 8) / Math.max(1, milliseconds)));
}

function average(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
}
