import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { LookupFunction, Socket } from 'node:net';
import { before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { connectRdp } from '../../gateway/rdp/connect.ts';
import type {
  ProtocolClient,
  RdpConnectionEvents,
  RdpConnectionOptions,
} from '../../gateway/rdp/connection-contract.ts';
import { RdpConnection } from '../../gateway/rdp/driver.ts';
import type { ConnectionEnd } from '../../gateway/rdp/failures.ts';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { describeCertificate, type ServerCertificate } from '../../gateway/rdp/tls-peer.ts';
import type { DriverEvents } from '../../gateway/sessions/ports.ts';
import { Secret } from '../../gateway/vault/secret.ts';
import type { ClientConfig, NlaPolicy } from '../../protocol/connector/types.ts';
import { CredSspServer } from '../../protocol/security/credssp-server.ts';
import { NtStatus } from '../../protocol/security/nt-status.ts';
import { findTsRequestSize } from '../../protocol/security/ts-request.ts';
import { RdpClient } from '../../protocol/session/rdp-client.ts';
import {
  afterRequest,
  connectionConfirm,
  connectionRefusal,
  fakePeer,
  type Identity,
  selfSigned,
  withNla,
  withTls,
} from './fake-peer.ts';

const PASSWORD = 'Canary-Pass-1!';
const TLS = 1;
const HYBRID = 2;
const HYBRID_EX = 8;

let identity: Identity;
before(async () => {
  identity = await selfSigned();
});

function config(nla: NlaPolicy): ClientConfig {
  return {
    host: '127.0.0.1',
    username: 'ann',
    password: PASSWORD,
    domain: '',
    width: 800,
    height: 600,
    colorDepth: 32,
    nla,
    keyboardLayout: 0x409,
    clientName: 'test',
  };
}

interface Outcome {
  readonly end: ConnectionEnd;
  readonly connection: RdpConnection;
  readonly phases: readonly string[];
}

/** Connects with the real client, and waits for the end. */
async function connectTo(
  port: number,
  options: Partial<RdpConnectionOptions> & { readonly nla?: NlaPolicy; readonly host?: string } = {},
): Promise<Outcome> {
  const { nla = 'preferred', ...rest } = options;
  const phases: string[] = [];
  let connection: RdpConnection | undefined;
  const end = await new Promise<ConnectionEnd>((resolve) => {
    connection = new RdpConnection(
      new RdpClient(config(nla), nodeCrypto),
      { host: '127.0.0.1', port, trust: () => true, ...rest },
      { ...IGNORE, phase: (phase) => phases.push(phase), ended: resolve },
    );
  });
  assert.ok(connection !== undefined);
  return { end, connection, phases };
}

const IGNORE: RdpConnectionEvents = { phase() {}, connected() {}, graphics() {}, bytes() {}, ended() {} };

function failingLookup(code: string): LookupFunction {
  return (_host, _options, callback) => callback(Object.assign(new Error(`getaddrinfo ${code}`), { code }), '');
}

describe('how a connection fails', () => {
  const cases: readonly {
    readonly what: string;
    readonly code: ConnectionEnd['code'];
    readonly serve: (identity: Identity) => (socket: Socket) => void;
    readonly options?: Parameters<typeof connectTo>[1];
  }[] = [
    {
      what: 'a web server',
      code: 'target_not_rdp',
      serve: () => (socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
    },
    {
      what: 'an SSH server',
      code: 'target_not_rdp',
      serve: () => (socket) => socket.write('SSH-2.0-OpenSSH_9.2p1\r\n'),
    },
    {
      what: 'a server that refuses connections',
      code: 'disconnected_by_server',
      serve: () => afterRequest(Buffer.from([3, 0, 0, 11, 6, 0x80, 0, 0, 0, 0, 1])),
    },
    { what: 'a host that hangs up at once', code: 'target_not_rdp', serve: () => (socket) => socket.end() },
    { what: 'a silent host', code: 'target_timeout', serve: () => () => {}, options: { answerTimeoutMs: 100 } },
    {
      what: 'a host that is silent in TLS',
      code: 'target_timeout',
      serve: () => afterRequest(connectionConfirm(TLS)),
      options: { answerTimeoutMs: 100 },
    },
    {
      what: 'a server that requires NLA where the target forbids it',
      code: 'nla_required',
      serve: () => afterRequest(connectionRefusal(5)),
      options: { nla: 'never' },
    },
    {
      what: 'a server without NLA where the target requires it',
      code: 'nla_refused',
      serve: () => afterRequest(connectionConfirm(TLS)),
      options: { nla: 'required' },
    },
    {
      what: 'a server that closes instead of TLS',
      code: 'tls_failed',
      serve: () => afterRequest(connectionConfirm(TLS), (socket) => socket.end()),
    },
    {
      what: 'a server that talks anything but TLS',
      code: 'tls_failed',
      serve: () =>
        afterRequest(connectionConfirm(TLS), (socket) => socket.once('data', () => socket.write('what is this?'))),
    },
    {
      what: 'a certificate that is not trusted',
      code: 'certificate_changed',
      serve: (own) => withTls(TLS, own, () => {}),
      options: { trust: () => false },
    },
    {
      what: 'a server that closes during NLA',
      code: 'logon_failed',
      serve: (own) => withTls(HYBRID, own, (secure) => secure.once('data', () => secure.end())),
    },
    {
      what: 'a wrong password',
      code: 'logon_failed',
      serve: (own) =>
        withNla(
          own,
          () => ({ password: 'another' }),
          () => {},
        ),
    },
    {
      what: 'an account that is locked',
      code: 'account_restricted',
      serve: (own) =>
        withNla(
          own,
          () => ({ status: NtStatus.accountLockedOut }),
          () => {},
        ),
    },
    {
      what: 'a server that closes after the logon',
      code: 'disconnected_by_server',
      serve: (own) =>
        withNla(
          own,
          () => ({ password: PASSWORD }),
          (secure) => secure.end(),
        ),
    },
    {
      what: 'a server that sends nonsense after the logon',
      code: 'protocol_error',
      serve: (own) =>
        withNla(
          own,
          () => ({ password: PASSWORD }),
          (secure) => secure.write(Buffer.alloc(64, 0x55)),
        ),
    },
  ];
  for (const { what, code, serve, options } of cases) {
    it(`${what}: ${code}`, async () => {
      await using peer = await fakePeer(serve(identity));
      const { end } = await connectTo(peer.port, options);
      assert.equal(end.code, code, inspect(end));
      assert.match(end.message, /^[A-Z].*\.$/);
      assert.ok(end.detail.length > 0);
    });
  }

  it('a server that predates TLS: tls_failed, with what to do about it', async () => {
    // An X.224 Connection Confirm without a negotiation response: standard RDP security, and nothing else.
    const confirm = Buffer.from([3, 0, 0, 11, 6, 0xd0, 0, 0, 0x12, 0x34, 0]);
    await using peer = await fakePeer(afterRequest(confirm));
    const { end } = await connectTo(peer.port);
    assert.equal(end.code, 'tls_failed', inspect(end));
    assert.match(end.message, /offers no TLS/);
    assert.match(end.hint ?? '', /standard RDP security/);
  });

  it('a port where nothing listens: target_refused', async () => {
    const peer = await fakePeer(() => {});
    await peer[Symbol.asyncDispose]();
    assert.equal((await connectTo(peer.port)).end.code, 'target_refused');
  });

  it('a name that nobody knows: target_unresolved', async () => {
    for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
      const { end } = await connectTo(3389, { host: 'nowhere.invalid', lookup: failingLookup(code) });
      assert.equal(end.code, 'target_unresolved');
    }
  });

  it('a network without a way there: target_timeout', async () => {
    const { end } = await connectTo(3389, { host: 'far.invalid', lookup: failingLookup('ENETUNREACH') });
    assert.equal(end.code, 'target_timeout');
  });

  it('a connection that does not come about in time: target_timeout', async () => {
    const { end } = await connectTo(3389, { host: 'slow.invalid', lookup: () => {}, connectTimeoutMs: 50 });
    assert.equal(end.code, 'target_timeout');
  });

  it('a locked account says so, with its status for the log', async () => {
    await using peer = await fakePeer(
      withNla(
        identity,
        () => ({ status: NtStatus.accountLockedOut }),
        () => {},
      ),
    );
    const { end } = await connectTo(peer.port);
    assert.match(end.message, /locked/);
    assert.match(end.detail, /account_locked \(0xC0000234\)/);
    assert.ok(end.hint !== undefined);
  });

  it('an account that may not sign in by Remote Desktop says so, which the server tells early', async () => {
    await using peer = await fakePeer(
      withNla(
        identity,
        () => ({ password: PASSWORD }),
        // [MS-RDPBCGR] 2.2.10.2: access denied.
        (secure) => secure.write(Buffer.from([5, 0, 0, 0])),
        HYBRID_EX,
      ),
    );
    const { end } = await connectTo(peer.port);
    assert.equal(end.code, 'account_restricted');
    assert.match(end.message, /by Remote Desktop/);
    assert.match(end.hint ?? '', /Remote Desktop Users/);
  });

  it('each message of CredSSP goes out in a TLS record of its own, the last one too', async () => {
    // [MS-CSSP] 2.2.1, note 8. OpenSSL reads one record at a time.
    const records: Buffer[] = [];
    await using peer = await fakePeer(
      withTls(HYBRID, identity, (secure) => {
        const { peer } = describeCertificate(new X509Certificate(identity.cert));
        const server = new CredSspServer(
          { lookup: () => ({ password: PASSWORD }), computerName: 'FAKE' },
          nodeCrypto,
          Date.now(),
          peer,
        );
        let done = false;
        secure.on('data', (record: Buffer) => {
          records.push(record);
          if (done) {
            secure.end();
            return;
          }
          const step = server.receive(new Uint8Array(record.subarray(0, findTsRequestSize(record))));
          if (step.send !== undefined) secure.write(step.send);
          done = step.done;
          if (record.length !== findTsRequestSize(record)) secure.end();
        });
      }),
    );
    await connectTo(peer.port);
    const sizes = records.slice(0, 3).map((record) => findTsRequestSize(record));
    assert.deepEqual(
      records.slice(0, 3).map(({ length }) => length),
      sizes,
    );
    // Then a TPKT with Connect Initial in it.
    assert.deepEqual([...(records[3]?.subarray(0, 1) ?? [])], [3]);
  });

  it('a refused trust decision sends no credentials', async () => {
    let received = 0;
    await using peer = await fakePeer(
      withTls(HYBRID, identity, (secure) => {
        secure.on('data', (chunk: Buffer) => {
          received += chunk.length;
        });
      }),
    );
    await connectTo(peer.port, { trust: async () => false });
    assert.equal(received, 0);
  });
});

describe('trust', () => {
  it('is asked with the fingerprint of the certificate, in hex', async () => {
    await using peer = await fakePeer(withTls(TLS, identity, (secure) => secure.end()));
    let asked: ServerCertificate | undefined;
    await connectTo(peer.port, {
      trust: (certificate) => {
        asked = certificate;
        return false;
      },
    });
    assert.match(asked?.fingerprint ?? '', /^[0-9a-f]{64}$/);
    assert.match(asked?.subject ?? '', /CN=fake/);
  });

  it('may take its time', async (context) => {
    await using peer = await fakePeer(
      withNla(
        identity,
        () => ({ password: 'another' }),
        () => {},
      ),
    );
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const trust = async (): Promise<boolean> => {
      context.mock.timers.tick(86_400_000);
      return true;
    };
    assert.equal((await connectTo(peer.port, { trust })).end.code, 'logon_failed');
  });
});

describe('secrets', () => {
  it('show up neither in ends nor in an inspected connection', async () => {
    await using peer = await fakePeer(
      withNla(
        identity,
        () => ({ password: 'another' }),
        () => {},
      ),
    );
    const { end, connection } = await connectTo(peer.port);
    const text = inspect([end, connection], { depth: 30, showHidden: true }) + JSON.stringify(end);
    assert.ok(!text.includes('Canary'));
  });
});

/** A client that does what the test says, in place of RDP. */
class ScriptedClient {
  readonly received: Buffer[] = [];
  onStart: () => ReturnType<ProtocolClient['start']> = () => [];
  onReceive: (bytes: Uint8Array) => ReturnType<ProtocolClient['receive']> = () => [];
  onShutdown: () => ReturnType<ProtocolClient['shutdown']> = () => [];
  silenceLimit: number | undefined;
  start(): ReturnType<ProtocolClient['start']> {
    return this.onStart();
  }
  receive(bytes: Uint8Array): ReturnType<ProtocolClient['receive']> {
    this.received.push(Buffer.from(bytes));
    return this.onReceive(bytes);
  }
  tlsEstablished(): ReturnType<ProtocolClient['receive']> {
    return [];
  }
  transportClosed(): ReturnType<ProtocolClient['receive']> {
    return [];
  }
  input(): ReturnType<ProtocolClient['receive']> {
    return [];
  }
  refresh(): ReturnType<ProtocolClient['receive']> {
    return [];
  }
  shutdown(): ReturnType<ProtocolClient['shutdown']> {
    return this.onShutdown();
  }
}

const DESKTOP = { kind: 'graphics', update: { code: 0x40, data: Uint8Array.of(1, 0, 1, 0) } } as const;

describe('moving bytes', () => {
  it('keeps the order of what is sent, and tells what came', async () => {
    let at: (received: Buffer) => void = () => {};
    const arrived = new Promise<Buffer>((resolve) => {
      at = resolve;
    });
    await using peer = await fakePeer((socket) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        const all = Buffer.concat(chunks);
        if (all.length >= 6) at(all);
      });
    });
    const client = new ScriptedClient();
    client.onStart = () => [1, 2, 3].map((value) => ({ kind: 'send', bytes: Uint8Array.of(value, value) }) as const);
    const connection = new RdpConnection(client, { host: '127.0.0.1', port: peer.port, trust: () => true }, IGNORE);
    assert.deepEqual([...(await arrived)], [1, 1, 2, 2, 3, 3]);
    connection.close();
  });

  it('holds the server back while paused, and loses nothing', async () => {
    const TOTAL = 48 * 1024 * 1024;
    await using peer = await fakePeer((socket) => {
      socket.once('data', () => socket.write(Buffer.alloc(TOTAL, 7)));
    });
    const client = new ScriptedClient();
    client.onStart = () => [{ kind: 'send', bytes: Uint8Array.of(1) }];
    let bytes = 0;
    const all = Promise.withResolvers<void>();
    const connection = new RdpConnection(
      client,
      { host: '127.0.0.1', port: peer.port, trust: () => true },
      {
        ...IGNORE,
        bytes: (count) => {
          bytes += count;
          if (bytes === TOTAL) all.resolve();
        },
      },
    );
    connection.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(bytes < TOTAL / 2, `${bytes} bytes came while paused`);
    connection.resume();
    await all.promise;
    connection.close();
  });

  it('tells of the desktop once, then of every update, and when these are all', async () => {
    await using peer = await fakePeer((socket) => {
      socket.write('a');
      socket.once('data', () => socket.write('b'));
    });
    const client = new ScriptedClient();
    client.onReceive = () => [DESKTOP, { kind: 'send', bytes: Uint8Array.of(1) }, DESKTOP];
    const calls: string[] = [];
    const done = Promise.withResolvers<void>();
    const connection = new RdpConnection(
      client,
      { host: '127.0.0.1', port: peer.port, trust: () => true },
      {
        ...IGNORE,
        connected: () => calls.push('connected'),
        graphics: () => calls.push('graphics'),
        settled: () => {
          calls.push('settled');
          if (calls.length >= 7) done.resolve();
        },
      },
    );
    await done.promise;
    assert.deepEqual(calls, ['connected', 'graphics', 'graphics', 'settled', 'graphics', 'graphics', 'settled']);
    connection.close();
  });

  it('says goodbye when closed, then calls nothing back', async () => {
    const goodbye = Promise.withResolvers<Buffer>();
    await using peer = await fakePeer((socket) => {
      socket.write('a');
      socket.once('data', (chunk: Buffer) => goodbye.resolve(chunk));
    });
    const client = new ScriptedClient();
    client.onReceive = () => [DESKTOP];
    client.onShutdown = () => [{ kind: 'send', bytes: Uint8Array.of(9) }];
    const connected = Promise.withResolvers<void>();
    let ended = 0;
    const connection = new RdpConnection(
      client,
      { host: '127.0.0.1', port: peer.port, trust: () => true },
      {
        ...IGNORE,
        connected: () => connected.resolve(),
        ended: () => {
          ended++;
        },
      },
    );
    await connected.promise;
    connection.close();
    connection.close();
    connection.input([]);
    assert.deepEqual([...(await goodbye.promise)], [9]);
    assert.equal(ended, 0);
  });

  it('ends once and for all when the server is gone in mid-session', async () => {
    await using peer = await fakePeer((socket) => {
      socket.write('a');
      socket.once('data', () => socket.resetAndDestroy());
    });
    const client = new ScriptedClient();
    client.onReceive = () => [DESKTOP, { kind: 'send', bytes: Uint8Array.of(1) }];
    const ends: ConnectionEnd[] = [];
    await new Promise<void>((resolve) => {
      new RdpConnection(
        client,
        { host: '127.0.0.1', port: peer.port, trust: () => true },
        {
          ...IGNORE,
          ended: (end) => {
            ends.push(end);
            resolve();
          },
        },
      );
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      ends.map(({ code }) => code),
      ['connection_lost'],
    );
  });

  it('ends when a server that promised heartbeats says nothing any more', async () => {
    await using peer = await fakePeer((socket) => socket.write('a'));
    const client = new ScriptedClient();
    client.silenceLimit = 10;
    client.onReceive = () => [DESKTOP];
    const end = await new Promise<ConnectionEnd>((resolve) => {
      new RdpConnection(
        client,
        { host: '127.0.0.1', port: peer.port, trust: () => true },
        { ...IGNORE, ended: resolve },
      );
    });
    assert.equal(end.code, 'connection_lost');
    assert.match(end.detail, /heartbeat/);
  });

  it('passes on what the client finds out, and a redirection in place of the end', async () => {
    await using peer = await fakePeer((socket) => socket.write('a'));
    const client = new ScriptedClient();
    const lockKeys = { scrollLock: false, numLock: true, capsLock: false, kanaLock: false };
    const redirection = { hosts: ['elsewhere'], changes: {} };
    const secret = { logonId: 1, randomBits: new Uint8Array(16) };
    const notice = { code: 'logon_warning', message: 'x' } as const;
    client.onReceive = () => [
      DESKTOP,
      { kind: 'lock-keys', lockKeys },
      { kind: 'auto-reconnect', secret },
      { kind: 'logon-notice', notice },
      { kind: 'redirect', redirection },
    ];
    const told: unknown[] = [];
    await new Promise<void>((resolve) => {
      new RdpConnection(
        client,
        { host: '127.0.0.1', port: peer.port, trust: () => true },
        {
          ...IGNORE,
          lockKeys: (keys) => told.push(keys),
          autoReconnect: (given) => told.push(given),
          notice: (given) => told.push(given),
          redirected: (to) => {
            told.push(to);
            resolve();
          },
          ended: () => told.push('ended'),
        },
      );
    });
    assert.deepEqual(told, [lockKeys, secret, notice, redirection]);
  });

  it('waits for a computer that a broker is starting, but not for ever', async (context) => {
    await using peer = await fakePeer((socket) => socket.write('a'));
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const client = new ScriptedClient();
    const notice = { code: 'status_starting', message: 'x' } as const;
    client.onReceive = () => [{ kind: 'logon-notice', notice }];
    const told: string[] = [];
    const end = await new Promise<ConnectionEnd>((resolve) => {
      new RdpConnection(
        client,
        { host: '127.0.0.1', port: peer.port, trust: () => true },
        {
          ...IGNORE,
          notice: ({ code }) => {
            told.push(code);
            context.mock.timers.tick(299_999);
            told.push('five minutes');
            context.mock.timers.tick(1);
          },
          ended: (how) => {
            told.push(how.code);
            resolve(how);
          },
        },
      );
    });
    assert.equal(end.code, 'target_timeout');
    assert.deepEqual(told, ['status_starting', 'five minutes', 'target_timeout']);
  });

  it('ends when the server stops reading, before memory fills up', async () => {
    await using peer = await fakePeer((socket) => {
      socket.write('a');
      socket.pause();
    });
    const client = new ScriptedClient();
    client.onReceive = () => [
      DESKTOP,
      ...Array.from({ length: 32 }, () => ({ kind: 'send', bytes: new Uint8Array(1_048_576) }) as const),
    ];
    const end = await new Promise<ConnectionEnd>((resolve) => {
      new RdpConnection(
        client,
        { host: '127.0.0.1', port: peer.port, trust: () => true },
        { ...IGNORE, ended: resolve },
      );
    });
    assert.equal(end.code, 'connection_lost');
    assert.match(end.detail, /unread/);
  });

  it("ends the connection, not the process, when its own caller's callback throws", async () => {
    await using peer = await fakePeer((socket) => socket.write('a'));
    const client = new ScriptedClient();
    client.onReceive = () => [DESKTOP];
    const end = await new Promise<ConnectionEnd>((resolve) => {
      new RdpConnection(
        client,
        { host: '127.0.0.1', port: peer.port, trust: () => true },
        {
          ...IGNORE,
          graphics: () => {
            throw new TypeError('no sink');
          },
          ended: resolve,
        },
      );
    });
    assert.equal(end.code, 'internal_error');
  });
});

describe('connectRdp', () => {
  it('reports to a session by code and detail', async () => {
    await using peer = await fakePeer(
      withNla(
        identity,
        () => ({ password: 'another' }),
        () => {},
      ),
    );
    const trusted: string[] = [];
    const [code, detail, words] = await new Promise<Parameters<DriverEvents['closed']>>((resolve) => {
      connectRdp(
        {
          sessionId: 's1',
          host: '127.0.0.1',
          port: peer.port,
          nla: 'required',
          width: 800,
          height: 600,
          keyboardLayout: 0x409,
          credentials: { username: 'ann', domain: '', password: new Secret(PASSWORD) },
          trustCertificate: async ({ fingerprint }) => {
            trusted.push(fingerprint);
            return true;
          },
        },
        {
          phase() {},
          connected() {},
          graphics() {},
          bytes() {},
          settled() {},
          lockKeys() {},
          notice() {},
          closed: (...end) => resolve(end),
        },
      );
    });
    assert.equal(code, 'logon_failed');
    assert.match(detail, /0xC000006D/);
    assert.match(words?.message ?? '', /did not accept/);
    assert.equal(trusted.length, 1);
  });
});
