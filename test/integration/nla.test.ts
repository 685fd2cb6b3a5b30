import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startDemoServer } from '../../gateway/demo/server.ts';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { describeCertificate, upgradeToTls } from '../../gateway/rdp/tls-peer.ts';
import { CredSspClient, type CredSspClientOptions } from '../../protocol/security/credssp-client.ts';
import { findTsRequestSize } from '../../protocol/security/ts-request.ts';
import { startProcess, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { selfSigned } from '../rdp/fake-peer.ts';

/** NLA as others have written it: our client against FreeRDP's server, FreeRDP's client against our server. */

let shadow: LabServer;
before(async () => {
  shadow = await startShadow();
});
after(() => shadow?.stop());

/** X.224 Connection Request for NLA alone, [MS-RDPBCGR] 2.2.1.1. */
const CONNECTION_REQUEST = Buffer.from([3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 2, 0, 0, 0]);

/** Authenticates and no more. `accepted`: the server took our credentials and goes on listening. */
async function authenticate(options: Partial<CredSspClientOptions>): Promise<'accepted' | 'closed'> {
  const { host, port, username, password } = shadow;
  const socket = connect(port, host);
  try {
    socket.write(CONNECTION_REQUEST);
    const [confirm] = (await once(socket, 'data')) as [Buffer];
    assert.equal(confirm[15], 2, 'the server selects CredSSP');
    socket.removeAllListeners();
    const secure = upgradeToTls(socket, host);
    await once(secure, 'secureConnect');
    const certificate = secure.getPeerX509Certificate();
    assert.ok(certificate !== undefined);
    const { peer } = describeCertificate(certificate);
    const client = new CredSspClient(
      { username, password, domain: '', host, ...options },
      nodeCrypto,
      Date.now(),
      peer,
    );
    secure.write(client.start());
    let pending = Buffer.alloc(0);
    for await (const chunk of secure) {
      pending = Buffer.concat([pending, chunk as Buffer]);
      const size = findTsRequestSize(pending);
      if (size === undefined || pending.length < size) continue;
      const step = client.receive(new Uint8Array(pending.subarray(0, size)));
      pending = pending.subarray(size);
      if (step.send !== undefined) secure.write(step.send);
      if (step.done) return 'accepted';
    }
    return 'closed';
  } finally {
    socket.destroy();
  }
}

describe("our CredSSP client against freerdp-shadow's server", () => {
  for (const version of [2, 3, 4, 5, 6]) {
    it(`proves and delegates with version ${version}`, async () => {
      assert.equal(await authenticate({ version }), 'accepted');
    });

    it(`is refused a wrong password with version ${version}`, async () => {
      assert.equal(await authenticate({ version, password: 'not this one' }), 'closed');
    });
  }
});

describe('xfreerdp against our own server', () => {
  const credentials = { username: 'jöran', password: 'Wörd & €-1!' };

  async function logOn(password: string): Promise<{ readonly output: string; readonly errors: readonly unknown[] }> {
    const errors: unknown[] = [];
    const tls = await selfSigned();
    const server = await startDemoServer({ credentials, tls, nla: 'required', onClientError: (e) => errors.push(e) });
    try {
      const { display } = await shadow.desktop();
      const arguments_ = [`/v:127.0.0.1:${server.port}`, '/sec:nla', '/cert:ignore', '+auth-only'];
      const client = startProcess(
        'xfreerdp',
        ['xfreerdp', `/u:${credentials.username}`, `/p:${password}`, ...arguments_],
        {
          env: { DISPLAY: display, WLOG_LEVEL: 'INFO' },
        },
      );
      try {
        await waitFor('xfreerdp to end', () => client.exited());
        return { output: client.output(), errors };
      } finally {
        await client.stop();
      }
    } finally {
      await server.close();
    }
  }

  it('logs on with NLA', async () => {
    const { output } = await logOn(credentials.password);
    assert.match(output, /Authentication only, exit status 0/);
  });

  it('is told of a wrong password by NTSTATUS', async () => {
    const { output, errors } = await logOn('not this one');
    assert.match(output, /STATUS_LOGON_FAILURE \[0xC000006D\]/);
    assert.match(String(errors[0]), /logon failed/);
  });
});
