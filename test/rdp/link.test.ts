import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { ClientConfig } from '#protocol/connector/types.ts';
import { encodeUtf16le } from '#protocol/core/text.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { SecurityProtocol } from '#protocol/pdu/nego.ts';
import { type RdstlsRequest, RdstlsResult } from '#protocol/pdu/rdstls.ts';
import { LogonErrorData } from '#protocol/pdu/save-session-info.ts';
import { RedirectionFlags } from '#protocol/pdu/server-redirection.ts';
import { RdpClient } from '#protocol/session/rdp-client.ts';
import { GatewayError } from '../../gateway/errors.ts';
import type { ProtocolClient } from '../../gateway/rdp/connection-contract.ts';
import { RdpConnection } from '../../gateway/rdp/driver.ts';
import { RdpLink } from '../../gateway/rdp/link.ts';
import type { LivenessLimits } from '../../gateway/rdp/liveness.ts';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { MAX_REDIRECTIONS } from '../../gateway/rdp/redirections.ts';
import type { DriverOptions } from '../../gateway/sessions/ports.ts';
import { Secret } from '../../gateway/vault/secret.ts';
import { selfSigned } from './fake-peer.ts';
import { eventually, farm, OPEN, redirect } from './farm.ts';

const TOKEN = new TextEncoder().encode('Cookie: msts=1.2.3\r\n');

/** A link to `port`, and what it tells; `until` resolves when that was told. */
function link(
  port: number,
  change: Partial<DriverOptions> = {},
  delays: readonly number[] = [1, 1, 1],
  liveness?: LivenessLimits,
  clientChange: Partial<ClientConfig> = {},
) {
  const told: string[] = [];
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  const tell = (text: string) => {
    told.push(text);
    for (const entry of waiting) if (entry.text === text) entry.resolve();
  };
  const configs: ClientConfig[] = [];
  let read = 0;
  const options: DriverOptions = {
    ...{ sessionId: 's', host: '127.0.0.1', port, nla: 'never', width: 640, height: 480, keyboardLayout: 0x409 },
    credentials: { username: 'jane', domain: '', password: new Secret('first') },
    readCredentials: async () => ({ username: 'jane', domain: '', password: new Secret(`again ${++read}`) }),
    trustCertificate: async () => true,
    ...change,
  };
  const driver = new RdpLink(
    options,
    {
      phase: (name) => {
        if (name === 'reconnecting' || name === 'connected') tell(name);
      },
      connected: () => tell('desktop'),
      graphics: ({ code }) => tell(code === UpdateCode.desktopReset ? 'reset' : `update ${code}`),
      bytes() {},
      settled() {},
      lockKeys() {},
      notice: ({ code }) => tell(`notice ${code}`),
      closed: (code) => tell(`closed ${code}`),
    },
    {
      config: (credentials) => ({
        ...{ host: '127.0.0.1', width: 640, height: 480, colorDepth: 32, nla: 'never', keyboardLayout: 0x409 },
        ...{ clientName: 'test', legacySecurity: 'required' },
        ...{ ...credentials, password: credentials.password.text(), ...clientChange },
      }),
      client: (config) => {
        configs.push(config);
        return new RdpClient(config, nodeCrypto);
      },
      open: (client, connection, events) =>
        new RdpConnection(client, { ...connection, ...(liveness !== undefined && { liveness }) }, events),
      delays,
    },
  );
  const until = (text: string) =>
    told.includes(text) ? Promise.resolve() : new Promise<void>((resolve) => waiting.push({ text, resolve }));
  return { driver, told, until, configs };
}

describe('RdpLink follows redirections', () => {
  it('back to the same host with a routing token, with credentials read anew', async () => {
    await using servers = await farm((visit, count) => {
      if (count === 1) redirect(visit, { loadBalanceInfo: TOKEN, userName: 'joe' });
    });
    const { driver, until, configs } = link(servers.port);
    await until('desktop');
    await eventually(() => servers.visits.length === 2);
    driver.close();
    assert.deepEqual(
      servers.visits.map(({ routing }) => routing),
      ['-', 'msts=1.2.3'],
    );
    assert.deepEqual(
      configs.map(({ host, username, password }) => [host, username, password]),
      [
        ['127.0.0.1', 'jane', 'first'],
        ['127.0.0.1', 'joe', 'again 1'],
      ],
    );
  });

  it('to the first of the named hosts that is there', async () => {
    await using servers = await farm((visit, count) => {
      if (count === 1) redirect(visit, { targetNetAddresses: ['127.0.0.2', '127.0.0.1'] });
    });
    const { driver, configs } = link(servers.port);
    await eventually(() => servers.visits.length === 2);
    driver.close();
    assert.deepEqual(
      configs.map(({ host }) => host),
      ['127.0.0.1', '127.0.0.2', '127.0.0.1'],
    );
  });

  it('not in a circle, though each server lets in first', async () => {
    await using servers = await farm((visit) => redirect(visit, { loadBalanceInfo: TOKEN }));
    const { until } = link(servers.port);
    await until('closed protocol_error');
    assert.equal(servers.visits.length, 1 + MAX_REDIRECTIONS);
  });

  it('no further than five times in a row', async () => {
    const asked: string[] = [];
    const client: ProtocolClient = {
      start: () => {
        asked.push('start');
        return [{ kind: 'redirect', redirection: { hosts: [], changes: {} } }];
      },
      receive: () => [],
      tlsEstablished: () => [],
      transportClosed: () => [],
      input: () => [],
      refresh: () => [],
      shutdown: () => [],
    };
    await using servers = await farm(() => {});
    const end = await new Promise((resolve) => {
      new RdpLink(
        {
          ...{ sessionId: 's', host: '127.0.0.1', port: servers.port, nla: 'never', width: 640, height: 480 },
          keyboardLayout: 0,
          credentials: { username: '', domain: '', password: new Secret('') },
          readCredentials: async () => ({ username: '', domain: '', password: new Secret('') }),
          trustCertificate: async () => true,
        },
        {
          ...{ phase() {}, connected() {}, graphics() {}, bytes() {}, settled() {}, lockKeys() {}, notice() {} },
          closed: (code) => resolve(code),
        },
        {
          config: () => ({
            ...{ host: '', username: '', password: '', domain: '', width: 640, height: 480, colorDepth: 32 },
            ...{ nla: 'never', keyboardLayout: 0, clientName: '' },
          }),
          client: () => client,
          open: (client, connection, events) => new RdpConnection(client, connection, events),
        },
      );
    });
    assert.equal(end, 'protocol_error');
    assert.equal(asked.length, 1 + MAX_REDIRECTIONS);
  });
});

describe('RdpLink hears what a server says of the logon', () => {
  it('what is wrong with it, and then the end', async () => {
    await using servers = await farm((visit) => {
      visit.do(visit.server.logonInfo({ logonError: { type: 0xc000006d, data: LogonErrorData.badPassword } }));
      visit.socket.end();
    });
    const { told, until } = link(servers.port);
    await until('closed logon_failed');
    assert.deepEqual(told, ['desktop', 'reset', 'notice logon_bad_password', 'closed logon_failed']);
  });

  it('that a heartbeat will come, and none comes', async () => {
    await using servers = await farm(
      (visit) => visit.do(visit.server.heartbeat({ period: 1, missedForWarning: 1, missedAfterWarning: 0 })),
      { config: { ...OPEN, autoDetect: true } },
    );
    const limits = { quietMs: 20, answerMs: 20 };
    const { driver, until } = link(servers.port, {}, [1], limits, { autoDetect: true });
    await until('reconnecting');
    await until('connected');
    driver.close();
    assert.equal(servers.visits.length, 2);
  });
});

describe('RdpLink logs on anew', () => {
  const secret = { logonId: 7, randomBits: new Uint8Array(16).fill(0xa7) };
  const overTls: Partial<ClientConfig> = { legacySecurity: 'refused' };

  it('with the cookie of the lost session and with the password that the account has now', async () => {
    const passwords: string[] = [];
    const authenticate = ({ password }: { password: string }) => passwords.push(password) > 0;
    await using servers = await farm((visit) => visit.do(visit.server.logonInfo({ autoReconnect: secret })), {
      config: { tls: { authenticate } },
      identity: await selfSigned(),
    });
    const { driver, until } = link(servers.port, {}, [1], undefined, overTls);
    await until('reset');
    servers.visits[0]?.socket.resetAndDestroy();
    await until('connected');
    driver.close();
    assert.deepEqual(passwords, ['first', 'again 1']);
    const [first, second] = servers.visits.map(({ server }) => server.connection?.clientInfo.extended);
    assert.equal(first?.autoReconnectCookie ?? null, null);
    // [MS-RDPBCGR] 5.5: over TLS the client random counts as zeros.
    const securityVerifier = nodeCrypto.hmacMd5(secret.randomBits, new Uint8Array(32));
    assert.deepEqual(second?.autoReconnectCookie, { logonId: 7, securityVerifier });
  });

  it('once, where the server does not take the password any more', async () => {
    await using servers = await farm((visit) => visit.do(visit.server.logonInfo({ autoReconnect: secret })), {
      config: { tls: { authenticate: ({ password }) => password === 'first' } },
      identity: await selfSigned(),
    });
    const { told, until } = link(servers.port, {}, [1, 1, 1], undefined, overTls);
    await until('reset');
    servers.visits[0]?.socket.resetAndDestroy();
    await until('closed logon_failed');
    assert.deepEqual(told, ['desktop', 'reset', 'reconnecting', 'closed logon_failed']);
    assert.equal(servers.attempts(), 2);
  });

  it('from the beginning, with its own account, where an RDSTLS logon was good once', async () => {
    const logons: string[] = [];
    const requests: RdstlsRequest[] = [];
    await using servers = await farm(
      (visit, count) => {
        const flags = RedirectionFlags.passwordIsPkEncrypted;
        const once = { userName: `once ${count}`, password: Uint8Array.of(count), redirectionGuid: Uint8Array.of(1) };
        if (count % 2 === 1) redirect(visit, { ...once, loadBalanceInfo: TOKEN, flags });
        else visit.do(visit.server.logonInfo({ autoReconnect: secret }));
      },
      {
        config: {
          tls: { authenticate: ({ user, password }) => logons.push(`${user}: ${password}`) > 0 },
          rdstls: (request) => {
            requests.push(request);
            return RdstlsResult.success;
          },
        },
        identity: await selfSigned(),
      },
    );
    const { driver, until } = link(servers.port, {}, [1], undefined, overTls);
    await eventually(() => servers.visits.length === 2);
    await until('reset');
    servers.visits[1]?.socket.resetAndDestroy();
    await eventually(() => servers.visits.length === 4);
    driver.close();
    assert.deepEqual(logons, ['jane: first', 'jane: again 2']);
    assert.deepEqual(
      servers.visits.map(({ routing }) => routing),
      ['-', 'msts=1.2.3', '-', 'msts=1.2.3'],
    );
    const passwords = requests.map((request) => request.kind === 'password' && request.password[0]);
    assert.deepEqual(passwords, [1, 3]);
    // What the server of before gave for coming back is for nobody else.
    const cookies = servers.visits.map(({ server }) => server.connection?.clientInfo.extended?.autoReconnectCookie);
    assert.ok(cookies.every((cookie) => (cookie ?? null) === null));
  });

  it('with the account and the password that a redirection brings', async () => {
    const logons: string[] = [];
    await using servers = await farm(
      (visit, count) => {
        const password = encodeUtf16le('from the broker\0');
        if (count === 1) redirect(visit, { userName: 'joe', domain: 'LAB', password, loadBalanceInfo: TOKEN });
      },
      {
        config: {
          tls: { authenticate: ({ user, domain, password }) => logons.push(`${domain}\\${user}: ${password}`) > 0 },
        },
        identity: await selfSigned(),
      },
    );
    const { driver } = link(servers.port, {}, [1], undefined, overTls);
    await eventually(() => servers.visits.length === 2);
    driver.close();
    assert.deepEqual(logons, ['\\jane: first', 'LAB\\joe: from the broker']);
  });

  it('by RDSTLS with the cookie that a redirection brings, and tells why that is refused', async () => {
    const cookie = Uint8Array.of(9, 8, 7);
    const redirectionGuid = encodeUtf16le('Z3VpZA==\0');
    const flags = RedirectionFlags.passwordIsPkEncrypted;
    const requests: RdstlsRequest[] = [];
    const passwords: string[] = [];
    const results: number[] = [RdstlsResult.success, RdstlsResult.accountLockedOut];
    for (const result of results) {
      await using servers = await farm(
        (visit, count) => {
          const logon = { userName: 'joe', domain: 'LAB', password: cookie, redirectionGuid };
          if (count === 1) redirect(visit, { ...logon, loadBalanceInfo: TOKEN, flags });
        },
        {
          config: {
            tls: { authenticate: ({ password }) => passwords.push(password) > 0 },
            rdstls: (request) => {
              requests.push(request);
              return result;
            },
          },
          identity: await selfSigned(),
        },
      );
      const { driver, until } = link(servers.port, {}, [1], undefined, overTls);
      if (result === RdstlsResult.success) await eventually(() => servers.visits.length === 2);
      else await until('closed account_restricted');
      driver.close();
      if (result === RdstlsResult.success) {
        const { protocol, clientInfo } = servers.visits[1]?.server.connection ?? {};
        assert.deepEqual([protocol, clientInfo?.userName], [SecurityProtocol.rdstls, 'joe']);
      }
    }
    assert.deepEqual(passwords, ['first', 'first'], 'the second server got none');
    const text = { userName: encodeUtf16le('joe\0'), domain: encodeUtf16le('LAB\0') };
    const request = { kind: 'password', redirectionGuid, ...text, password: cookie };
    assert.deepEqual(requests, [request, request]);
  });
});

describe('RdpLink brings a lost connection back', () => {
  it('with a picture from the start, without telling of a new session', async () => {
    await using servers = await farm(() => {});
    const { driver, told, until, configs } = link(servers.port);
    await until('reset');
    servers.visits[0]?.socket.resetAndDestroy();
    await until('connected');
    assert.deepEqual(told.slice(0, 4), ['desktop', 'reset', 'reconnecting', 'connected']);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(told[4], 'reset');
    assert.equal(configs.at(-1)?.password, 'again 1');
    driver.resize(800, 600);
    driver.close();
    assert.equal(told.filter((text) => text === 'desktop').length, 1);
  });

  it('that became silent: something on the way swallows everything, and says nothing', async () => {
    const pixel = new Uint8Array(16);
    await using servers = await farm(() => {}, {
      react: ({ server, do: send }, { kind }) => {
        if (kind === 'refresh') send(server.update(UpdateCode.palette, pixel));
      },
    });
    await using path = await blackHole(servers.port);
    const { driver, told, until } = link(path.port, {}, [1, 1, 1], { quietMs: 40, answerMs: 400 });
    await until('reset');
    // It has been asked, and has answered, often enough to be believed.
    await eventually(() => told.filter((text) => text === 'update 2').length >= 3);
    path.swallow();
    driver.input([{ kind: 'scancode', code: 0x1e, extended: false, down: true }]);
    await until('reconnecting');
    await until('connected');
    driver.close();
    assert.equal(servers.visits.length, 2);
  });

  it('through a server that takes connections before it is ready, and closes them in silence', async () => {
    await using servers = await farm(() => {}, {
      // In the midst of its sequence: what the client sends after the Connection Confirm is not answered any more.
      closeAfter: (attempt) => (attempt === 2 ? 1 : Infinity),
    });
    const { told, until } = link(servers.port);
    await until('reset');
    servers.visits[0]?.socket.resetAndDestroy();
    await until('connected');
    assert.equal(servers.attempts(), 3);
    assert.deepEqual(told.slice(2, 5), ['reconnecting', 'reconnecting', 'connected']);
  });

  it('in the size that was asked for last', async () => {
    await using servers = await farm(() => {});
    const { driver, until, configs } = link(servers.port);
    await until('desktop');
    driver.resize(800, 600);
    servers.visits[0]?.socket.resetAndDestroy();
    await until('connected');
    driver.close();
    assert.deepEqual([configs[1]?.width, configs[1]?.height], [800, 600]);
  });

  it('for so long, and no longer', async () => {
    await using servers = await farm(() => {}, { accept: (count) => count === 1 });
    const { told, until } = link(servers.port, {}, [1, 1, 1]);
    await until('reset');
    servers.visits[0]?.socket.resetAndDestroy();
    await until('closed connection_lost');
    assert.equal(servers.attempts(), 4);
    assert.deepEqual(told, [
      'desktop',
      'reset',
      'reconnecting',
      'reconnecting',
      'reconnecting',
      'closed connection_lost',
    ]);
  });

  it('not again and again for a server that lets in and drops at once', async () => {
    await using servers = await farm(({ socket }) => setImmediate(() => socket.end()));
    const { told, until } = link(servers.port, {}, [1, 1, 1]);
    await until('closed connection_lost');
    assert.equal(servers.attempts(), 4);
    assert.equal(told.filter((text) => text === 'connected').length, 3);
  });

  it('unless the account may not be used any more', async () => {
    await using servers = await farm(() => {});
    const { told, until } = link(servers.port, {
      readCredentials: async () => {
        throw new GatewayError('not_found', 'the account is gone');
      },
    });
    await until('reset');
    servers.visits[0]?.socket.resetAndDestroy();
    await until('closed not_found');
    assert.deepEqual(told.slice(2), ['reconnecting', 'closed not_found']);
  });

  it('unless the session was ended meanwhile', async () => {
    await using servers = await farm(() => {});
    const { driver, told, until } = link(servers.port, {}, [5]);
    await until('reset');
    servers.visits[0]?.socket.resetAndDestroy();
    await until('reconnecting');
    driver.close();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(told, ['desktop', 'reset', 'reconnecting']);
    assert.equal(servers.attempts(), 1);
  });

  it('not when the server ended the session, nor before the desktop was there', async () => {
    await using servers = await farm((visit) => visit.do(visit.server.disconnect()));
    const ended = link(servers.port);
    await ended.until('closed disconnected_by_server');
    assert.equal(servers.attempts(), 1);
    await using closed = await farm(() => {}, { accept: () => false });
    const never = link(closed.port);
    await never.until('closed target_not_rdp');
    assert.deepEqual(never.told, ['closed target_not_rdp']);
  });
});

/** A path to `port` that can begin to swallow what goes over it, in both directions, without ending any connection. */
async function blackHole(port: number) {
  const open = new Set<Socket>();
  let swallowed: readonly Socket[] = [];
  const listener = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        if (!swallowed.includes(from)) to.destroy();
      });
      from.on('data', (chunk: Buffer) => {
        if (!swallowed.includes(from)) to.write(chunk);
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    /** From now on, for those that are open. */
    swallow: () => {
      swallowed = [...open];
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
