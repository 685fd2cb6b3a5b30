import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ConnectError } from '../connector/connect-error.ts';
import type { ServerConfig } from '../connector/server-types.ts';
import { PEER } from '../connector/testing/handshake.ts';
import type { ClientConfig } from '../connector/types.ts';
import { concatBytes } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import { nodeCrypto } from '../core/testing/node-crypto.ts';
import { UpdateCode } from '../graphics/update.ts';
import { ErrorInfo, encodeSetErrorInfo } from '../pdu/error-info.ts';
import type { InputEvent } from '../pdu/input.ts';
import { sendDataIndication } from '../pdu/mcs-domain.ts';
import { ShareDataType, shareDataMessage } from '../pdu/share.ts';
import { encodeStatusInfo, StatusCode } from '../pdu/status-info.ts';
import { type ClientOutput, RdpClient } from './rdp-client.ts';
import { RdpServer, type ServerOutput } from './rdp-server.ts';

const NOW = Date.UTC(2026, 0, 1);
const PASSWORD = 'correct horse';

const CONFIG: ClientConfig = {
  host: 'demo',
  username: 'eve',
  password: PASSWORD,
  domain: '',
  width: 800,
  height: 600,
  colorDepth: 32,
  nla: 'preferred',
  keyboardLayout: 0x409,
  clientName: 'test',
};

const SERVER: ServerConfig = {
  computerName: 'DEMO',
  nla: { lookup: (user) => (user === 'eve' ? { password: PASSWORD } : undefined) },
  tls: { authenticate: ({ user, password }) => user === 'eve' && password === PASSWORD },
};

/** A client and a server, and the wires between them. */
class Wires {
  readonly client: RdpClient;
  readonly server: RdpServer;
  /** What came out, without what was carried over. Graphics data is copied. */
  readonly fromClient: ClientOutput[] = [];
  readonly fromServer: ServerOutput[] = [];
  /** All that the server ever sent, and where in it TLS began. */
  readonly recorded: Uint8Array[] = [];
  readonly #chunk: number;
  readonly #toServer: Uint8Array[] = [];
  readonly #toClient: Uint8Array[] = [];
  #tls = { client: false, server: false };

  constructor(
    config: Partial<ClientConfig> = {},
    server: Partial<ServerConfig> = {},
    chunk = Number.POSITIVE_INFINITY,
  ) {
    this.client = new RdpClient({ ...CONFIG, ...config }, nodeCrypto);
    this.server = new RdpServer({ ...SERVER, ...server }, nodeCrypto);
    this.#chunk = chunk;
  }

  connect(): this {
    this.up(this.client.start());
    return this.carry();
  }

  up(outputs: readonly ClientOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'send') this.#toServer.push(output.bytes);
      else if (output.kind === 'start-tls') this.#tls.client = true;
      else if (output.kind === 'graphics') {
        this.fromClient.push({ kind: 'graphics', update: { ...output.update, data: output.update.data.slice() } });
      } else this.fromClient.push(output);
    }
  }

  down(outputs: readonly ServerOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'send') this.#toClient.push(output.bytes);
      else if (output.kind === 'start-tls') this.#tls.server = true;
      else this.fromServer.push(output);
    }
  }

  carry(): this {
    for (;;) {
      if (this.#tls.client && this.#tls.server) {
        this.#tls = { client: false, server: false };
        this.down(this.server.tlsEstablished(PEER, NOW));
        this.up(this.client.tlsEstablished(PEER, NOW));
      }
      const up = concatBytes(...this.#toServer.splice(0));
      const down = concatBytes(...this.#toClient.splice(0));
      if (up.length + down.length === 0) return this;
      if (down.length > 0) this.recorded.push(down);
      const chunk = Math.min(this.#chunk, up.length + down.length);
      for (let at = 0; at < up.length; at += chunk) this.down(this.server.receive(up.subarray(at, at + chunk), NOW));
      for (let at = 0; at < down.length; at += chunk) this.up(this.client.receive(down.subarray(at, at + chunk), NOW));
    }
  }

  kinds(): string[] {
    return this.fromClient.map(({ kind }) => kind).filter((kind) => kind !== 'phase');
  }
}

const EVENTS: InputEvent[] = [
  { kind: 'scancode', code: 30, extended: false, down: true },
  { kind: 'mouse-move', x: 1, y: 2 },
];

describe('RdpClient and RdpServer', () => {
  for (const nla of ['required', 'never'] as const) {
    for (const chunk of [Number.POSITIVE_INFINITY, 1]) {
      it(`a whole session, NLA ${nla}, ${chunk === 1 ? 'byte by byte' : 'in large pieces'}`, () => {
        const wires = new Wires({ nla }, {}, chunk).connect();
        assert.deepEqual(wires.kinds(), ['graphics', 'logged-on']);
        assert.equal(wires.client.connection?.share.width, 800);
        assert.equal(wires.server.connection?.clientInfo.userName, 'eve');

        const picture = Uint8Array.from({ length: 40_000 }, (_, i) => i & 0xff);
        wires.down(wires.server.update(UpdateCode.bitmap, picture));
        wires.up(wires.client.input(EVENTS));
        wires.up(wires.client.refresh());
        wires.carry();
        assert.deepEqual(wires.fromClient.at(-1), {
          kind: 'graphics',
          update: { code: UpdateCode.bitmap, data: picture },
        });
        assert.deepEqual(
          wires.fromServer.map(({ kind }) => kind),
          ['connected', 'input', 'refresh'],
        );
        assert.deepEqual(wires.fromServer[1], { kind: 'input', events: EVENTS });

        wires.down(wires.server.resize(1024, 768));
        assert.equal(wires.server.active, false);
        wires.carry();
        assert.equal(wires.server.active, true);
        assert.deepEqual(wires.fromClient.at(-1), {
          kind: 'graphics',
          update: { code: UpdateCode.desktopReset, data: Uint8Array.of(0, 4, 0, 3) },
        });

        wires.down(wires.server.disconnect(ErrorInfo.logoffByUser));
        wires.carry();
        const last = wires.fromClient.at(-1);
        assert.ok(last?.kind === 'closed');
        assert.deepEqual([last.reason.code, last.reason.errorName], ['logged_off', 'logoff_by_user']);
      });
    }
  }

  it('a broker that says what the client waits for, while it connects', () => {
    const said = (statusCode: number) =>
      sendDataIndication(1003, shareDataMessage(ShareDataType.statusInfo, 0, 0, encodeStatusInfo({ statusCode })));
    class Brokered extends Wires {
      override up(outputs: readonly ClientOutput[]): void {
        super.up(outputs);
        if (!outputs.some((output) => output.kind === 'phase' && output.phase === 'licensing')) return;
        for (const code of [StatusCode.vmWaking, 0x999]) super.up(this.client.receive(said(code), NOW));
      }
    }
    const wires = new Brokered({ nla: 'never' }).connect();
    assert.deepEqual(wires.kinds(), ['logon-notice', 'graphics', 'logged-on']);
    const [notice] = wires.fromClient.filter((output) => output.kind === 'logon-notice');
    assert.equal(notice?.notice.code, 'status_starting');
  });

  it('a server that says before Font Map why it will close', () => {
    const body = encodeSetErrorInfo({ errorInfo: ErrorInfo.serverDeniedConnection });
    const info = sendDataIndication(1003, shareDataMessage(ShareDataType.setErrorInfo, 0, 0, body));
    class Denied extends Wires {
      override up(outputs: readonly ClientOutput[]): void {
        super.up(outputs);
        const finalizes = outputs.some((output) => output.kind === 'phase' && output.phase === 'finalizing');
        if (finalizes) super.up(this.client.receive(info, NOW));
      }
    }
    const wires = new Denied({ nla: 'never' }).connect();
    const [closed] = wires.client.transportClosed();
    assert.equal(closed?.kind === 'closed' && closed.reason.errorName, 'server_denied_connection');
  });

  it('after the end nothing happens any more, on either side', () => {
    const wires = new Wires().connect();
    wires.up(wires.client.shutdown());
    wires.carry();
    assert.deepEqual(wires.fromServer.at(-1), { kind: 'closed' });
    const { client, server } = wires;
    assert.deepEqual(client.input(EVENTS), []);
    assert.deepEqual(client.shutdown(), []);
    assert.deepEqual(client.transportClosed(), []);
    assert.deepEqual(client.receive(Uint8Array.of(0xff), NOW), []);
    assert.deepEqual(server.receive(Uint8Array.of(0xff), NOW), []);
    assert.deepEqual(server.update(UpdateCode.bitmap, Uint8Array.of(1)), []);
    assert.deepEqual(server.disconnect(), []);
  });

  it('a connection that is lost', () => {
    const wires = new Wires().connect();
    const [closed] = wires.client.transportClosed();
    assert.ok(closed?.kind === 'closed' && closed.reason.code === 'connection_lost');
    assert.throws(() => new RdpClient(CONFIG, nodeCrypto).transportClosed(), { name: 'ConnectError', code: 'not_rdp' });
  });

  it('a password that is wrong', () => {
    const refusals = {
      required: { name: 'ConnectError', code: 'logon_failed' },
      // Without NLA only the error info can say so, and it says something broader.
      never: { name: 'ConnectError', code: 'server_closed', errorInfo: ErrorInfo.freshCredentialsRequired },
    } as const;
    for (const nla of ['required', 'never'] as const) {
      const wires = new Wires({ nla, password: 'wrong' });
      assert.throws(() => wires.connect(), refusals[nla]);
      assert.equal(wires.fromServer.at(-1)?.kind, 'refused');
    }
  });

  it('a user who leaves while connecting', () => {
    const client = new RdpClient(CONFIG, nodeCrypto);
    client.start();
    assert.deepEqual(client.shutdown(), [
      { kind: 'closed', reason: { code: 'ended_by_user', message: 'You ended the session.' } },
    ]);
  });

  it('an error is the end, too', () => {
    const wires = new Wires().connect();
    assert.throws(() => wires.client.receive(Uint8Array.of(0x16), NOW), DecodeError);
    assert.deepEqual(wires.client.receive(Uint8Array.of(0x16), NOW), []);
    assert.deepEqual(wires.client.input(EVENTS), []);
  });
});

describe('RdpClient and a hostile server', () => {
  /** All that an honest server sends over TLS: the same for every client, since nothing in it is random. */
  function record(): Uint8Array[] {
    const wires = new Wires({ nla: 'never' }).connect();
    wires.down(wires.server.update(UpdateCode.bitmap, new Uint8Array(20_000)));
    wires.down(wires.server.resize(640, 480));
    wires.carry();
    wires.down(wires.server.disconnect());
    wires.carry();
    return wires.recorded;
  }

  function replay(messages: readonly Uint8Array[]): void {
    const client = new RdpClient({ ...CONFIG, nla: 'never' }, nodeCrypto);
    client.start();
    for (const message of messages) {
      if (client.receive(message, NOW).some(({ kind }) => kind === 'start-tls')) client.tlsEstablished(PEER, NOW);
    }
  }

  it('is fed what an honest one sends', () => {
    replay(record());
  });

  it('takes any damage to it as a DecodeError or a ConnectError, or not at all', () => {
    const honest = record();
    const total = honest.reduce((sum, message) => sum + message.length, 0);
    const damage = fc.array(fc.tuple(fc.nat(total - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    let refused = 0;
    fc.assert(
      fc.property(damage, (changes) => {
        const messages = honest.map((message) => message.slice());
        for (const [at, value] of changes) {
          // The long run of picture bytes is not what is of interest here: the first two thousand are.
          let offset = at % 2000;
          for (const message of messages) {
            if (offset < message.length) {
              message[offset] = value;
              break;
            }
            offset -= message.length;
          }
        }
        try {
          replay(messages);
        } catch (error) {
          refused++;
          assert.ok(error instanceof DecodeError || error instanceof ConnectError, String(error));
        }
      }),
      { numRuns: 1500 },
    );
    assert.ok(refused > 100, `${refused} refused`);
  });
});
