import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { ConnectError } from '../connector/connect-error.ts';
import type { LegacyServerConfig, ServerConfig } from '../connector/server-types.ts';
import type { ClientConfig } from '../connector/types.ts';
import { concatBytes } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import { nodeCrypto } from '../core/testing/node-crypto.ts';
import { UpdateCode } from '../graphics/update.ts';
import { EncryptionMethod } from '../pdu/gcc-client-data.ts';
import { EncryptionLevel } from '../pdu/gcc-server-data.ts';
import type { InputEvent } from '../pdu/input.ts';
import { SecurityProtocol } from '../pdu/nego.ts';
import { type ClientOutput, RdpClient } from './rdp-client.ts';
import { RdpServer, type ServerOutput } from './rdp-server.ts';

const NOW = Date.UTC(2026, 0, 1);

const PRIVATE_KEY = rsaKey(1024);

function rsaKey(bits: number): LegacyServerConfig['privateKey'] {
  const jwk = generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'jwk' });
  const big = (text: string | undefined) => BigInt(`0x${Buffer.from(text ?? '', 'base64url').toString('hex')}`);
  return { modulus: big(jwk.n), exponent: big(jwk.e), privateExponent: big(jwk.d), size: bits / 8 };
}

const PEER = {
  certificate: Uint8Array.of(0x30, 0x00),
  subjectPublicKey: new Uint8Array(140).fill(7),
  endPointHash: new Uint8Array(32).fill(9),
};

const CLIENT: ClientConfig = {
  host: 'old',
  username: 'eve',
  password: 'correct horse',
  domain: '',
  width: 800,
  height: 600,
  colorDepth: 32,
  nla: 'preferred',
  keyboardLayout: 0x409,
  clientName: 'test',
  legacySecurity: 'required',
};

const { bits40, bits56, bits128, fips } = EncryptionMethod;

function legacy(change: Partial<LegacyServerConfig> = {}): LegacyServerConfig {
  return {
    authenticate: ({ user, password }) => user === 'eve' && password === CLIENT.password,
    level: EncryptionLevel.high,
    methods: bits40 | bits56 | bits128,
    privateKey: PRIVATE_KEY,
    ...change,
  };
}

/** A client and a server, and the wires between them. */
class Pair {
  readonly client: RdpClient;
  readonly server: RdpServer;
  readonly fromClient: ClientOutput[] = [];
  readonly fromServer: ServerOutput[] = [];
  /** All bytes of either direction. */
  readonly wire: Uint8Array[] = [];
  readonly #up: Uint8Array[] = [];
  readonly #down: Uint8Array[] = [];
  #tls = 0;

  constructor(client: Partial<ClientConfig>, server: Omit<ServerConfig, 'computerName'>) {
    this.client = new RdpClient({ ...CLIENT, ...client }, nodeCrypto);
    this.server = new RdpServer({ computerName: 'OLD', ...server }, nodeCrypto);
  }

  connect(chunk?: number): this {
    this.up(this.client.start());
    return this.carry(chunk);
  }

  up(outputs: readonly ClientOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'send') this.#up.push(output.bytes);
      else if (output.kind === 'start-tls') this.#tls++;
      else if (output.kind === 'graphics') {
        this.fromClient.push({ kind: 'graphics', update: { ...output.update, data: output.update.data.slice() } });
      } else this.fromClient.push(output);
    }
  }

  down(outputs: readonly ServerOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'send') this.#down.push(output.bytes);
      else if (output.kind === 'start-tls') this.#tls++;
      else this.fromServer.push(output);
    }
  }

  carry(chunk = Number.POSITIVE_INFINITY, tamper?: (bytes: Uint8Array) => void): this {
    for (;;) {
      if (this.#tls === 2) {
        this.#tls = 0;
        this.down(this.server.tlsEstablished(PEER, NOW));
        this.up(this.client.tlsEstablished(PEER, NOW));
      }
      const up = concatBytes(...this.#up.splice(0));
      const down = concatBytes(...this.#down.splice(0));
      if (up.length + down.length === 0) return this;
      this.wire.push(up, down);
      tamper?.(down);
      const step = Math.min(chunk, up.length + down.length);
      for (let at = 0; at < up.length; at += step) this.down(this.server.receive(up.subarray(at, at + step), NOW));
      for (let at = 0; at < down.length; at += step) this.up(this.client.receive(down.subarray(at, at + step), NOW));
    }
  }

  updates(): Uint8Array[] {
    return this.fromClient.flatMap((output) =>
      output.kind === 'graphics' && output.update.code === UpdateCode.bitmap ? [output.update.data] : [],
    );
  }

  input(): InputEvent[] {
    return this.fromServer.flatMap((output) => (output.kind === 'input' ? output.events : []));
  }
}

const TYPED: InputEvent[] = [
  { kind: 'scancode', code: 30, extended: false, down: true },
  { kind: 'mouse-move', x: 5, y: 6 },
];
/** More than fit into the header's count. */
const MANY: InputEvent[] = Array.from({ length: 40 }, (_, i) => ({ kind: 'unicode', unit: 65 + i, down: true }));

describe('standard RDP security', () => {
  for (const [name, methods, level] of [
    ['40 bits', bits40, EncryptionLevel.clientCompatible],
    ['56 bits', bits56, EncryptionLevel.clientCompatible],
    ['128 bits', bits128, EncryptionLevel.high],
    ['128 bits, low: only the client encrypts', bits128, EncryptionLevel.low],
    ['FIPS', fips, EncryptionLevel.fips],
    ['no encryption', 0, EncryptionLevel.none],
  ] as const) {
    for (const chunk of [Number.POSITIVE_INFINITY, 1]) {
      it(`a whole session: ${name}, ${chunk === 1 ? 'byte by byte' : 'in large pieces'}`, () => {
        const pair = new Pair({}, { legacy: legacy({ methods, level }) }).connect(chunk);
        const { connection } = pair.client;
        assert.equal(connection?.protocol, SecurityProtocol.rdp);
        assert.equal(connection.serverData.security.encryptionMethod, methods);
        assert.equal(pair.server.connection?.clientInfo.userName, 'eve');

        const picture = new Uint8Array(randomBytes(40_000));
        pair.down(pair.server.update(UpdateCode.bitmap, picture));
        pair.up(pair.client.input(TYPED));
        pair.up(pair.client.input(MANY));
        pair.carry(chunk);
        assert.deepEqual(pair.updates(), [picture]);
        assert.deepEqual(pair.input(), [...TYPED, ...MANY]);

        pair.down(pair.server.resize(1024, 768));
        pair.carry(chunk);
        assert.equal(pair.fromServer.at(-1)?.kind, 'activated');
        pair.down(pair.server.disconnect());
        pair.carry(chunk);
        const last = pair.fromClient.at(-1);
        assert.equal(last?.kind === 'closed' && last.reason.code, 'disconnected_by_server');

        const all = Buffer.concat(pair.wire);
        const password = Buffer.from(CLIENT.password, 'utf16le');
        assert.equal(all.includes(password), level === EncryptionLevel.none, 'the password in the clear');
        const clear = level === EncryptionLevel.none || level === EncryptionLevel.low;
        assert.equal(all.includes(Buffer.from(picture.subarray(100, 200))), clear, 'the picture in the clear');
      });
    }
  }

  for (const [name, methods, level] of [
    ['128 bits', bits128, EncryptionLevel.high],
    ['FIPS', fips, EncryptionLevel.fips],
    ['no encryption', 0, EncryptionLevel.none],
  ] as const) {
    it(`carries the message channel, while connecting and after: ${name}`, () => {
      const pair = new Pair({ autoDetect: true }, { legacy: legacy({ methods, level }), autoDetect: true }).connect();
      const { detection } = pair.server.connection?.messageChannel ?? {};
      assert.deepEqual(pair.client.connection?.messageChannel?.channel.characteristics, detection?.characteristics);
      assert.equal(detection?.characteristics.baseRtt, 0);
      pair.down(pair.server.measureRoundTrip(NOW));
      pair.down(pair.server.heartbeat({ period: 1, missedForWarning: 1, missedAfterWarning: 2 }));
      pair.carry();
      assert.equal(pair.fromServer.at(-1)?.kind, 'network-measured');
      assert.equal(pair.client.silenceLimit, 4_000);
    });
  }

  it('takes the strongest method that both have', () => {
    const offered = { encryptionMethods: bits40 | bits56 };
    const pair = new Pair(offered, { legacy: legacy() }).connect();
    assert.equal(pair.client.connection?.serverData.security.encryptionMethod, bits56);
  });

  it('changes keys every 4096 packets, in either direction', () => {
    const pair = new Pair({}, { legacy: legacy({ methods: bits128 }) }).connect();
    for (let i = 0; i < 10_000; i++) {
      pair.down(pair.server.update(UpdateCode.bitmap, Uint8Array.of(i & 0xff, i >> 8)));
      pair.up(pair.client.input([{ kind: 'mouse-move', x: i, y: 1 }]));
      if (i % 500 === 0) pair.carry();
    }
    pair.carry();
    assert.deepEqual(pair.updates().at(-1), Uint8Array.of(9999 & 0xff, 9999 >> 8));
    assert.equal(pair.updates().length, 10_000);
    assert.deepEqual(pair.input().at(-1), { kind: 'mouse-move', x: 9999, y: 1 });
  });

  for (const [name, methods, level] of [
    ['RC4', bits128, EncryptionLevel.high],
    ['FIPS', fips, EncryptionLevel.fips],
  ] as const) {
    it(`notices a bit that was changed on the way: ${name}`, () => {
      const pair = new Pair({}, { legacy: legacy({ methods, level }) }).connect();
      pair.down(pair.server.update(UpdateCode.bitmap, new Uint8Array(64)));
      const flip = (bytes: Uint8Array) => {
        bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
      };
      assert.throws(() => pair.carry(undefined, flip), { name: 'DecodeError', code: 'integrity' });
    });
  }

  it('takes nothing in the clear where encryption was agreed', () => {
    const secure = new Pair({}, { legacy: legacy() }).connect();
    const open = new Pair({}, { legacy: legacy({ level: EncryptionLevel.none }) }).connect();
    for (const output of open.server.update(UpdateCode.bitmap, new Uint8Array(4))) {
      assert.ok(output.kind === 'send');
      assert.throws(() => secure.client.receive(output.bytes, NOW), { name: 'DecodeError', code: 'integrity' });
    }
    for (const output of open.client.input(TYPED)) {
      assert.ok(output.kind === 'send');
      assert.throws(() => secure.server.receive(output.bytes, NOW), { name: 'DecodeError', code: 'integrity' });
    }
  });

  it('survives any damage to what the server sends', () => {
    for (let round = 0; round < 30; round++) {
      const pair = new Pair(
        {},
        { legacy: legacy({ methods: round % 2 === 0 ? bits128 : fips, level: round % 2 === 0 ? 3 : 4 }) },
      );
      let left = round * 3;
      const damage = (bytes: Uint8Array) => {
        if (bytes.length > 0 && left-- === 0) bytes[Math.floor(Math.random() * bytes.length)] = Math.random() * 256;
      };
      try {
        pair.up(pair.client.start());
        pair.carry(undefined, damage);
      } catch (error) {
        assert.ok(error instanceof DecodeError || error instanceof ConnectError, String(error));
      }
    }
  });
});

describe('the policy on standard RDP security', () => {
  const refusal = (client: Partial<ClientConfig>, server: Omit<ServerConfig, 'computerName'>): string => {
    const pair = new Pair(client, server);
    try {
      pair.connect();
    } catch (error) {
      assert.ok(error instanceof ConnectError, String(error));
      return error.code;
    }
    return assert.fail('connected');
  };

  it('is refused unless the target allows it, and where NLA is required', () => {
    assert.equal(refusal({ legacySecurity: 'refused' }, { legacy: legacy() }), 'tls_refused');
    assert.equal(refusal({ legacySecurity: 'accepted', nla: 'required' }, { legacy: legacy() }), 'nla_refused');
  });

  it('asks again, on a new connection, where the server refuses TLS', () => {
    const pair = new Pair({ legacySecurity: 'accepted' }, { legacy: legacy() });
    pair.up(pair.client.start());
    pair.carry();
    assert.deepEqual(pair.fromClient.at(-1), {
      kind: 'redirect',
      redirection: { hosts: [], changes: { legacySecurity: 'required' } },
    });
    assert.deepEqual(pair.client.receive(Uint8Array.of(1), NOW), []);
  });

  it('takes TLS where it is accepted and the server has it', () => {
    const tls = { authenticate: legacy().authenticate };
    const pair = new Pair({ legacySecurity: 'accepted' }, { legacy: legacy(), tls }).connect();
    assert.equal(pair.client.connection?.protocol, SecurityProtocol.ssl);
  });

  it('refuses a server that picks what was not offered', () => {
    const pair = new Pair({ encryptionMethods: fips }, { legacy: legacy() });
    pair.connect();
    assert.deepEqual(pair.fromServer.at(-1), { kind: 'refused', reason: 'security_protocol' });
  });
});

describe('redirection', () => {
  const packet = { sessionId: 9, flags: 0, targetNetAddress: '10.1.1.1', userName: 'eve', domain: 'LAB' };
  const redirection = {
    hosts: ['10.1.1.1'],
    changes: { redirected: { sessionId: 9 }, username: 'eve', domain: 'LAB' },
  };

  for (const [name, config] of [
    ['128 bits', legacy()],
    ['a server that encrypts nothing else', legacy({ level: EncryptionLevel.low })],
    ['FIPS', legacy({ level: EncryptionLevel.fips })],
    ['no encryption', legacy({ level: EncryptionLevel.none })],
  ] as const) {
    it(`comes through with ${name}`, () => {
      const pair = new Pair({}, { legacy: config }).connect();
      pair.down(pair.server.redirect(packet));
      pair.carry();
      assert.deepEqual(pair.fromClient.at(-1), { kind: 'redirect', redirection });
      assert.deepEqual(pair.client.input(TYPED), []);
    });
  }
});

describe('automatic reconnection', () => {
  it('proves over TLS that it knows the secret, with a client random of zeros', () => {
    const secret = { logonId: 7, randomBits: new Uint8Array(randomBytes(16)) };
    const tls = { authenticate: legacy().authenticate };
    const config = { legacySecurity: 'refused', autoReconnect: secret } as const;
    const pair = new Pair(config, { tls }).connect();
    assert.deepEqual(pair.server.connection?.clientInfo.extended?.autoReconnectCookie, {
      logonId: 7,
      securityVerifier: nodeCrypto.hmacMd5(secret.randomBits, new Uint8Array(32)),
    });
  });
});
