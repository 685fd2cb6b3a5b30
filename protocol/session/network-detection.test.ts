import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { DETECTION_TIMEOUT_MS, NetworkDetection } from '../connector/network-detection.ts';
import type { ClientConfig } from '../connector/types.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { UpdateCode } from '../graphics/update.ts';
import { autoDetectResponseMessage, decodeAutoDetectRequest } from '../pdu/auto-detect.ts';
import { decodeMcsPdu } from '../pdu/mcs-domain.ts';
import { decodeX224 } from '../pdu/x224.ts';
import { type ClientOutput, RdpClient } from './rdp-client.ts';
import { RdpServer, type ServerOutput } from './rdp-server.ts';

const unused = (): never => assert.fail('no cryptography without NLA');
const crypto: CryptoProvider = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  ...{ md5: unused, sha1: unused, sha256: unused, hmacMd5: unused, hmacSha1: unused, tripleDesCbc: unused },
};
const peer = {
  certificate: Uint8Array.of(0x30, 0x00),
  subjectPublicKey: new Uint8Array(140).fill(7),
  endPointHash: new Uint8Array(32),
};

/** Milliseconds that everything takes in either direction. */
const ONE_WAY = 20;

/** A client and a server that measures, over a network with a delay; `mute` drops what the client's message channel says. */
class Pair {
  now = 1_000_000;
  mute = false;
  readonly client: RdpClient;
  readonly server = new RdpServer(
    { computerName: 'TEST', tls: { authenticate: () => true }, autoDetect: true },
    crypto,
  );
  readonly fromServer: Exclude<ServerOutput, { kind: 'send' }>[] = [];
  /** The kinds of what the server sent on the message channel. */
  readonly asked: string[] = [];
  readonly #up: Uint8Array[] = [];
  readonly #down: Uint8Array[] = [];

  constructor(change: Partial<ClientConfig> = {}) {
    this.client = new RdpClient(
      {
        ...{ host: 'test', username: 'eve', password: 'x', domain: '', width: 640, height: 480, colorDepth: 32 },
        ...{ nla: 'never', keyboardLayout: 0x409, clientName: 'test', autoDetect: true },
        ...change,
      },
      crypto,
    );
    this.takeClient(this.client.start());
  }

  takeClient(outputs: readonly ClientOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'send' && !(this.mute && isMessage(output.bytes))) this.#up.push(output.bytes);
      else if (output.kind === 'start-tls') this.takeClient(this.client.tlsEstablished(peer, this.now));
    }
  }

  takeServer(outputs: readonly ServerOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'start-tls') this.takeServer(this.server.tlsEstablished(peer, this.now));
      else if (output.kind !== 'send') this.fromServer.push(output);
      else {
        if (isMessage(output.bytes)) this.asked.push(requestKind(output.bytes));
        this.#down.push(output.bytes);
      }
    }
  }

  carry(): this {
    while (this.#up.length + this.#down.length > 0) {
      const up = this.#up.splice(0);
      const down = this.#down.splice(0);
      this.now += ONE_WAY;
      for (const bytes of up) this.takeServer(this.server.receive(bytes, this.now));
      for (const bytes of down) this.takeClient(this.client.receive(bytes, this.now));
    }
    return this;
  }

  get measured() {
    return this.fromServer.flatMap((output) => (output.kind === 'network-measured' ? [output.measurement] : []));
  }

  get detection(): NetworkDetection {
    const detection = this.server.connection?.messageChannel?.detection;
    assert.ok(detection !== undefined);
    return detection;
  }

  get heard() {
    return this.client.connection?.messageChannel?.channel;
  }
}

/** Whether it is on the channel behind the client's own: the message channel, without static channels. */
function isMessage(frame: Uint8Array): boolean {
  return messageData(frame) !== undefined;
}

function messageData(frame: Uint8Array): Uint8Array | undefined {
  // Slow path, X.224 Data, no MCS Connect PDU.
  if (frame[0] !== 3 || frame[5] !== 0xf0 || frame[7] === 0x7f) return undefined;
  const message = decodeX224(frame);
  if (message.kind !== 'data') return undefined;
  const pdu = decodeMcsPdu(message.cursor);
  return 'userData' in pdu && pdu.channelId === 1005 ? pdu.userData : undefined;
}

function requestKind(frame: Uint8Array): string {
  const data = messageData(frame) ?? assert.fail();
  if (data[1] === 0x40) return 'heartbeat';
  return decodeAutoDetectRequest(new ReadCursor(data, 'test', 4)).kind;
}

describe('network detection, from our server to our client', () => {
  it('while connecting: round trip, bandwidth, and what came of them', () => {
    const pair = new Pair().carry();
    assert.ok(pair.server.active);
    const payloads = pair.asked.filter((kind) => kind === 'bandwidthPayload');
    assert.ok(payloads.length > 0);
    assert.deepEqual(
      pair.asked.filter((kind) => kind !== 'bandwidthPayload'),
      ['rttRequest', 'bandwidthStart', 'bandwidthStop', 'characteristics'],
    );
    const { baseRtt, averageRtt, bandwidth } = pair.detection.characteristics;
    assert.deepEqual([baseRtt, averageRtt], [2 * ONE_WAY, 2 * ONE_WAY]);
    // All payloads came in one millisecond at most, as the client counts.
    assert.equal(bandwidth, (payloads.length + 1) * (8 /* header */ + 14_000) * 8);
    assert.deepEqual(pair.heard?.characteristics, { baseRtt, averageRtt, bandwidth });
    assert.equal(pair.detection.waiting, false);
  });

  it('is not offered to a client that has no message channel', () => {
    const pair = new Pair({ autoDetect: false }).carry();
    assert.ok(pair.server.active);
    assert.deepEqual([pair.asked, pair.server.connection?.messageChannel], [[], undefined]);
    assert.deepEqual(pair.server.measureRoundTrip(pair.now), []);
  });

  it('lets in a client that said it would answer and does not, after a while', () => {
    const pair = new Pair();
    pair.mute = true;
    pair.carry();
    assert.equal(pair.server.active, false);
    pair.takeServer(pair.server.tick(pair.now + DETECTION_TIMEOUT_MS - ONE_WAY - 1));
    assert.equal(pair.carry().server.active, false);
    pair.takeServer(pair.server.tick(pair.now + DETECTION_TIMEOUT_MS));
    assert.ok(pair.carry().server.active);
    assert.deepEqual([pair.detection.unanswered, pair.detection.characteristics], [1, {}]);
    assert.deepEqual(pair.asked, ['rttRequest']);
  });

  it('in session: round trips, each by its sequence number', () => {
    const pair = new Pair().carry();
    const first = pair.server.measureRoundTrip(pair.now);
    pair.now += 100;
    const second = pair.server.measureRoundTrip(pair.now);
    // On the way they change places.
    pair.takeServer([...second, ...first]);
    pair.carry();
    assert.deepEqual(
      pair.measured.map((measured) => measured.kind === 'round-trip' && measured.milliseconds),
      [2 * ONE_WAY, 100 + 2 * ONE_WAY],
    );
    assert.equal(pair.detection.characteristics.baseRtt, 2 * ONE_WAY);
    assert.equal(pair.detection.characteristics.averageRtt, Math.round((2 * ONE_WAY * 3 + 100) / 3));
    pair.takeServer(pair.server.reportNetwork());
    pair.carry();
    assert.deepEqual(pair.heard?.characteristics, pair.detection.characteristics);
  });

  it('in session: the bandwidth, by the ordinary data between start and stop', () => {
    const pair = new Pair().carry();
    pair.takeServer(pair.server.measureBandwidth('start', pair.now));
    pair.carry();
    assert.deepEqual(pair.server.measureBandwidth('start', pair.now), [], 'one at a time');
    const updates = [1, 2, 3].flatMap(() => pair.server.update(UpdateCode.palette, new Uint8Array(5_000)));
    const sent = updates.reduce((sum, output) => sum + (output.kind === 'send' ? output.bytes.length : 0), 0);
    pair.takeServer(updates);
    pair.carry();
    pair.now += 60;
    const stop = pair.server.measureBandwidth('stop', pair.now);
    const stopSize = stop[0]?.kind === 'send' ? stop[0].bytes.length : 0;
    pair.takeServer(stop);
    pair.carry();
    const elapsed = ONE_WAY + 60 + ONE_WAY;
    const [measured] = pair.measured;
    assert.ok(measured?.kind === 'bandwidth');
    assert.equal(measured.bandwidth, Math.round(((sent + stopSize) * 8) / elapsed));
    assert.deepEqual(pair.server.measureBandwidth('stop', pair.now), [], 'none is running');
  });

  it('in session: what is not answered is given up, and a late answer says nothing', () => {
    const pair = new Pair().carry();
    pair.mute = true;
    pair.takeServer(pair.server.measureRoundTrip(pair.now));
    pair.takeServer(pair.server.measureBandwidth('start', pair.now));
    pair.takeServer(pair.server.measureBandwidth('stop', pair.now));
    pair.carry();
    assert.ok(pair.detection.waiting);
    pair.server.tick(pair.now + DETECTION_TIMEOUT_MS);
    assert.deepEqual([pair.detection.waiting, pair.detection.unanswered], [false, 2]);
    pair.mute = false;
    pair.takeServer(pair.server.measureBandwidth('start', pair.now));
    pair.takeServer(pair.server.measureBandwidth('stop', pair.now));
    pair.carry();
    assert.deepEqual(
      pair.measured.map(({ kind }) => kind),
      ['bandwidth'],
    );
  });

  it('goes on between deactivation and reactivation', () => {
    const pair = new Pair().carry();
    pair.takeServer(pair.server.resize(800, 600));
    pair.takeServer(pair.server.measureRoundTrip(pair.now));
    pair.carry();
    assert.equal(pair.measured.length, 1);
    assert.ok(pair.server.active);
  });

  it('heartbeats: what the client expects of them', () => {
    const pair = new Pair().carry();
    assert.equal(pair.client.silenceLimit, undefined);
    // [MS-RDPBCGR] 2.2.16.1: count2 begins with the warning of count1.
    for (const [period, missedForWarning, missedAfterWarning, limit] of [
      [10, 2, 3, 60_000],
      [5, 4, 0, 25_000],
      [5, 0, 1, 10_000],
      [0, 2, 3, undefined],
      [10, 0, 0, undefined],
    ] as const) {
      pair.takeServer(pair.server.heartbeat({ period, missedForWarning, missedAfterWarning }));
      pair.carry();
      assert.equal(pair.client.silenceLimit, limit);
    }
  });
});

describe('NetworkDetection', () => {
  it('takes what a client knows from before in place of a measurement', () => {
    const detection = new NetworkDetection();
    detection.requestRoundTrip(0, true);
    const known = autoDetectResponseMessage({ kind: 'characteristicsSync', sequence: 1, bandwidth: 8_000, rtt: 30 });
    assert.deepEqual(detection.receive(known, 50), { kind: 'known', bandwidth: 8_000, milliseconds: 30 });
    assert.deepEqual(detection.characteristics, { baseRtt: 30, bandwidth: 8_000, averageRtt: 30 });
    assert.equal(detection.waiting, false);
  });

  it('takes answers to what it asked, and only once', () => {
    const detection = new NetworkDetection();
    detection.requestRoundTrip(0, false);
    const answer = (sequence: number) => autoDetectResponseMessage({ kind: 'rttResponse', sequence });
    assert.equal(detection.receive(answer(2), 5), undefined);
    assert.deepEqual(detection.receive(answer(1), 5), { kind: 'round-trip', sequence: 1, milliseconds: 5 });
    assert.equal(detection.receive(answer(1), 9), undefined);
    assert.equal(detection.receive(Uint8Array.of(4, 0, 0, 0, 1, 2, 3), 9), undefined, 'a refused transport');
    assert.throws(() => detection.receive(answer(1).subarray(0, 7), 9), DecodeError);
  });

  it('counts the bandwidth for the form that was asked for', () => {
    const detection = new NetworkDetection();
    detection.startBandwidth();
    detection.stopBandwidth(0);
    const results = (connecting: boolean, timeDelta: number) =>
      autoDetectResponseMessage({ kind: 'bandwidthResults', sequence: 2, connecting, timeDelta, byteCount: 1_000 });
    assert.equal(detection.receive(results(true, 10), 5), undefined);
    assert.deepEqual(detection.receive(results(false, 10), 5), { kind: 'bandwidth', sequence: 2, bandwidth: 800 });
  });

  it('keeps sequence numbers within 16 bits', () => {
    const detection = new NetworkDetection();
    for (let i = 0; i < 0x10000; i++) detection.requestRoundTrip(0, false);
    const request = detection.requestRoundTrip(7, false);
    const { sequence } = decodeAutoDetectRequest(new ReadCursor(request, 'test', 4));
    assert.equal(sequence, 1);
  });
});
