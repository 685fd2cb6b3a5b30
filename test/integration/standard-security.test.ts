import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import type { Logon } from '../../protocol/connector/server-types.ts';
import type { LegacySecurityPolicy } from '../../protocol/connector/types.ts';
import { UpdateCode } from '../../protocol/graphics/update.ts';
import { ErrorInfo } from '../../protocol/pdu/error-info.ts';
import { EncryptionMethod } from '../../protocol/pdu/gcc-client-data.ts';
import { EncryptionLevel } from '../../protocol/pdu/gcc-server-data.ts';
import { RdpServer, type ServerOutput } from '../../protocol/session/rdp-server.ts';
import { connectTo, drawsWhatXShows } from '../lab/client.ts';
import { LAYOUT } from '../lab/desktop.ts';
import { Hopeless, startProcess, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { startXrdp } from '../lab/xrdp.ts';

/** Standard RDP security against servers that are not ours. */

async function works(server: LabServer, legacySecurity: LegacySecurityPolicy): Promise<void> {
  const client = connectTo(server, { legacySecurity, nla: 'never' });
  await waitFor('the connection', () => {
    if (client.end() !== undefined) throw new Hopeless(`the connection has ended: ${JSON.stringify(client.end())}`);
    return client.compositor.width > 0;
  });
  assert.ok(!client.phases.includes('securing'));
  const desktop = await server.desktop();
  await drawsWhatXShows(client, desktop, { tolerance: 0 });
  const { x, y } = LAYOUT.terminal;
  client.connection.input([{ kind: 'mouse-move', x, y }]);
  await desktop.pointerAt(x, y);
  client.connection.close();
}

for (const level of ['fips', 'none'] as const) {
  test(`xrdp with crypt_level=${level}: input arrives, the picture is the server's`, async () => {
    const server = await startXrdp({ standardSecurity: level });
    try {
      await works(server, 'required');
    } catch (error) {
      throw new Error(`${error}\n${server.log()}`, { cause: error });
    } finally {
      await server.stop();
    }
  });
}

test("freerdp-shadow with standard RDP security: input arrives, the picture is the server's", async () => {
  const server = await startShadow({ security: 'rdp' });
  try {
    await works(server, 'required');
  } finally {
    await server.stop();
  }
});

test('a server without TLS is refused unless the target allows it', async () => {
  const server = await startShadow({ security: 'rdp' });
  try {
    const client = connectTo(server, { nla: 'preferred' });
    await waitFor('the end', () => client.end() !== undefined);
    assert.equal(client.end()?.code, 'tls_failed');
  } finally {
    await server.stop();
  }
});

describe('xfreerdp against our own server', () => {
  let screen: LabServer;
  before(async () => {
    screen = await startShadow();
  });
  after(() => screen?.stop());

  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const big = (text: string | undefined) => BigInt(`0x${Buffer.from(text ?? '', 'base64url').toString('hex')}`);
  const privateKey = { modulus: big(key.n), exponent: big(key.e), privateExponent: big(key.d), size: 256 };
  const { bits40, bits56, bits128, fips } = EncryptionMethod;

  for (const [name, offer, methods, level] of [
    ['40 bits', '40', bits40, EncryptionLevel.clientCompatible],
    ['56 bits', '56', bits56, EncryptionLevel.clientCompatible],
    ['128 bits', '128', bits128, EncryptionLevel.high],
    ['128 bits, low', '128', bits128, EncryptionLevel.low],
    ['FIPS', 'FIPS', fips, EncryptionLevel.fips],
  ] as const) {
    test(`${name}: logs on, takes pictures, is told why it ends`, async () => {
      const { display } = await screen.desktop();
      const seen: ServerOutput[] = [];
      const failures: unknown[] = [];
      const server = createServer((socket) => {
        const authenticate = ({ user, password }: Logon) => user === 'jane' && password === 'Pässword 1';
        const config = { computerName: 'OLD', legacy: { authenticate, level, methods, privateKey } };
        const rdp = new RdpServer(config, nodeCrypto);
        const take = (outputs: readonly ServerOutput[]) => {
          for (const output of outputs) {
            if (output.kind === 'send') socket.write(output.bytes);
            else seen.push(output);
            if (output.kind === 'connected') {
              for (let i = 0; i < 50; i++) take(rdp.update(UpdateCode.bitmap, redSquare(i)));
              setTimeout(() => take(rdp.disconnect(ErrorInfo.idleTimeout)), 300);
            }
            if (output.kind === 'closed') socket.end();
          }
        };
        socket.on('error', (error) => failures.push(error));
        socket.on('data', (chunk) => {
          try {
            take(rdp.receive(new Uint8Array(chunk), Date.now()));
          } catch (error) {
            failures.push(error);
            socket.destroy();
          }
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const client = startProcess(
        'xfreerdp',
        ['xfreerdp', `/v:127.0.0.1:${port}`, '/sec:rdp', `/encryption-methods:${offer}`, '/u:jane', '/p:Pässword 1'],
        { env: { DISPLAY: display, WLOG_LEVEL: 'INFO' } },
      );
      try {
        await waitFor('xfreerdp to end', () => client.exited());
        assert.deepEqual(failures, []);
        const connected = seen.find((output) => output.kind === 'connected');
        assert.ok(connected?.kind === 'connected', client.output());
        assert.equal(connected.connection.clientData.security?.encryptionMethods, methods);
        assert.match(client.output(), /ERRINFO_IDLE_TIMEOUT/);
        assert.doesNotMatch(client.output(), /signature check failed|invalid packet signature|decrypt/iu);
      } finally {
        await client.stop();
        server.close();
      }
    });
  }
});

/** A bitmap update with one 8 x 8 rectangle at 32 bits a pixel, [MS-RDPBCGR] 2.2.9.1.1.3.1.2. */
function redSquare(at: number): Uint8Array {
  const fields = [1, 1, at, at, at + 7, at + 7, 8, 8, 32, 0, 256];
  const update = new Uint8Array(fields.length * 2 + 256);
  const view = new DataView(update.buffer);
  fields.forEach((value, i) => {
    view.setUint16(i * 2, value, true);
  });
  for (let pixel = 0; pixel < 64; pixel++) update.set([0, 0, 255, 0], fields.length * 2 + pixel * 4);
  return update;
}
