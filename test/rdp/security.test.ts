import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startDemoServer } from '../../gateway/demo/server.ts';
import { connectRdp } from '../../gateway/rdp/connect.ts';
import { diagnose } from '../../gateway/rdp/doctor/doctor.ts';
import { type ConnectionSecurity, downgradesOf, protocolNameOf } from '../../gateway/rdp/security.ts';
import { type CertificateFacts, decideTrust, type TrustDecision, type TrustPolicy } from '../../gateway/rdp/trust.ts';
import type { DriverEvents, DriverOptions } from '../../gateway/sessions/ports.ts';
import { Secret } from '../../gateway/vault/secret.ts';
import type { PasswordCredentials } from '../../protocol/security/ts-credentials.ts';
import {
  HYBRID,
  makeIdentity,
  PASSWORD,
  refusal,
  response,
  type Script,
  SSL,
  scriptedServer,
  USERNAME,
} from './doctor/scripted-server.ts';
import type { Identity } from './fake-peer.ts';

/** What a target asks of its connections: held to, and told. */

let identity: Identity;
let vouchedFor: Identity;
let vouchedForAnother: Identity;
before(async () => {
  identity = await makeIdentity();
  vouchedFor = await makeIdentity();
  vouchedForAnother = await makeIdentity({ name: 'winsrv.lab.example' });
  // Before the first look at this machine's authorities, which is remembered.
  setDefaultCACertificates([...getCACertificates('default'), vouchedFor.cert, vouchedForAnother.cert]);
});

/** [MS-RDPBCGR] 2.2.1.2.1 RESTRICTED_ADMIN_MODE_SUPPORTED. */
const RESTRICTED_ADMIN_SUPPORTED = 0x08;

const SECURITY: NonNullable<DriverOptions['security']> = {
  minimumTls: '1.2',
  restrictedAdmin: false,
  legacySecurity: 'refused',
  oldestCredSsp: 2,
  verifyChain: false,
};

interface Result {
  readonly code: string;
  readonly detail: string;
  readonly connected: boolean;
  readonly security: ConnectionSecurity | undefined;
  readonly certificates: readonly CertificateFacts[];
}

/** Connects as a session does, and closes when the desktop is there. */
async function connectTo(
  port: number,
  options: Partial<DriverOptions> & { readonly policy?: TrustPolicy } = {},
): Promise<Result> {
  const { policy = { mode: 'first_use', fingerprint: null }, ...rest } = options;
  const certificates: CertificateFacts[] = [];
  let security: ConnectionSecurity | undefined;
  const trustCertificate = async (certificate: CertificateFacts): Promise<TrustDecision> => {
    certificates.push(certificate);
    return decideTrust(policy, certificate);
  };
  return new Promise((resolve) => {
    const done = (code: string, detail: string, connected: boolean): void => {
      resolve({ code, detail, connected, security, certificates });
    };
    const events: DriverEvents = {
      phase() {},
      secured: (what) => {
        security = what;
      },
      connected: () => {
        setImmediate(() => driver.close());
        done('connected', '', true);
      },
      graphics() {},
      bytes() {},
      settled() {},
      lockKeys() {},
      notice() {},
      closed: (code, detail) => done(code, detail, false),
    };
    const driver = connectRdp(
      {
        sessionId: 's1',
        host: 'localhost',
        port,
        nla: 'preferred',
        width: 800,
        height: 600,
        keyboardLayout: 0x409,
        credentials: { username: USERNAME, domain: '', password: new Secret(PASSWORD) },
        security: SECURITY,
        trustCertificate,
        ...rest,
      },
      events,
    );
  });
}

async function connectToScripted(script: Partial<Script>, options: Parameters<typeof connectTo>[1] = {}) {
  await using server = await scriptedServer({ identity, ...script });
  return await connectTo(server.port, options);
}

describe('minimum TLS', () => {
  const OLD = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;

  it('tls_too_old: left before the certificate is looked at or anything is sent', async () => {
    let logons = 0;
    const insteadOfNla: Script['insteadOfNla'] = (secure) =>
      secure.on('data', () => {
        logons++;
      });
    const { code, detail, certificates } = await connectToScripted({ tls: OLD, insteadOfNla });
    assert.equal(code, 'tls_too_old');
    assert.match(detail, /TLS 1\.1.*1\.2/);
    assert.deepEqual([logons, certificates.length], [0, 0]);
  });

  it('goes on where the target allows it, and says what it came to', async () => {
    const { connected, security } = await connectToScripted(
      { tls: OLD },
      { security: { ...SECURITY, minimumTls: '1.0' } },
    );
    assert.ok(connected);
    assert.equal(security?.tls, '1.1');
  });

  it('1.3 refuses 1.2', async () => {
    const tls = { maxVersion: 'TLSv1.2' } as const;
    const { code } = await connectToScripted({ tls }, { security: { ...SECURITY, minimumTls: '1.3' } });
    assert.equal(code, 'tls_too_old');
  });

  it('is 1.2 where nobody says', async () => {
    await using server = await scriptedServer({ identity, tls: OLD });
    const { security: _, ...rest } = { security: SECURITY };
    assert.equal((await connectTo(server.port, { ...rest, security: undefined as never })).code, 'tls_too_old');
  });
});

describe('what was negotiated', () => {
  it('is told once the desktop is there: NLA', async () => {
    const { security } = await connectToScripted({});
    assert.equal(security?.protocol, 'hybrid');
    assert.equal(security?.tls, '1.3');
    assert.match(security?.cipher ?? '', /^TLS_/);
    assert.match(security?.certificate ?? '', /^[0-9a-f]{64}$/);
  });

  it('is told once the desktop is there: TLS alone, so that no downgrade is silent', async () => {
    const { security } = await connectToScripted({ select: () => response(SSL) });
    assert.equal(security?.protocol, 'ssl');
  });

  it('is not less than required', async () => {
    assert.equal((await connectToScripted({ select: () => response(SSL) }, { nla: 'required' })).code, 'nla_refused');
    assert.equal((await connectToScripted({ select: () => response(0) })).code, 'tls_failed');
  });

  it('is not an older CredSSP than the target takes: nla_refused, before the password is sent', async () => {
    const seen: unknown[] = [];
    const script = { credssp: { version: 4 }, onLogon: (credentials: unknown) => seen.push(credentials) };
    const { code } = await connectToScripted(script, { security: { ...SECURITY, oldestCredSsp: 5 } });
    assert.deepEqual([code, seen], ['nla_refused', []]);
    const { security } = await connectToScripted(script, { security: { ...SECURITY, oldestCredSsp: 4 } });
    assert.equal(security?.credSsp, 4);
    assert.deepEqual(security && downgradesOf(security, 'preferred'), ['credssp_outdated']);
  });

  it('is called a downgrade where it is one', () => {
    const best = { protocol: 'hybrid_ex', credSsp: 6, tls: '1.3', cipher: 'c', certificate: 'f' } as const;
    const none = { credSsp: null, tls: null, cipher: null, certificate: null };
    assert.deepEqual(downgradesOf(best, 'preferred'), []);
    assert.deepEqual(downgradesOf({ ...best, protocol: 'ssl', credSsp: null }, 'preferred'), ['nla_missing']);
    assert.deepEqual(downgradesOf({ ...best, protocol: 'ssl', credSsp: null }, 'never'), []);
    assert.deepEqual(downgradesOf({ ...none, protocol: 'rdp' }, 'never'), ['tls_missing']);
    assert.deepEqual(downgradesOf({ ...best, tls: '1.1', credSsp: 4 }, 'required'), [
      'tls_outdated',
      'credssp_outdated',
    ]);
  });

  it('has a name for each protocol', () => {
    assert.deepEqual([0, 1, 2, 4, 8].map(protocolNameOf), ['rdp', 'ssl', 'hybrid', 'rdstls', 'hybrid_ex']);
  });
});

describe('the certificate', () => {
  it('certificate_changed: another than the accepted', async () => {
    const policy = { mode: 'pinned', fingerprint: '0'.repeat(64) } as const;
    assert.equal((await connectToScripted({}, { policy })).code, 'certificate_changed');
  });

  it('certificate_untrusted: nothing was accepted yet', async () => {
    assert.equal(
      (await connectToScripted({}, { policy: { mode: 'pinned', fingerprint: null } })).code,
      'certificate_untrusted',
    );
  });

  const system: Parameters<typeof connectTo>[1] = {
    policy: { mode: 'system', fingerprint: null },
    security: { ...SECURITY, verifyChain: true },
  };

  it('system trust: a known authority, the right name', async () => {
    const { code, certificates } = await connectToScripted({ identity: vouchedFor }, system);
    assert.equal(code, 'connected');
    assert.deepEqual([certificates[0]?.chainProblem, certificates[0]?.nameMatches], [undefined, true]);
  });

  it('system trust: an unknown authority', async () => {
    const { code, detail } = await connectToScripted({}, system);
    assert.deepEqual([code, detail], ['certificate_untrusted', 'DEPTH_ZERO_SELF_SIGNED_CERT']);
  });

  it('system trust: a known authority, another name', async () => {
    const { code, detail } = await connectToScripted({ identity: vouchedForAnother }, system);
    assert.equal(code, 'certificate_untrusted');
    assert.match(detail, /another host name/);
  });

  it('system trust without a look at the chain trusts nothing', async () => {
    const { code } = await connectToScripted({ identity: vouchedFor }, { ...system, security: SECURITY });
    assert.equal(code, 'certificate_untrusted');
  });

  it('the doctor agrees', async () => {
    const certificateStep = async (own: Identity) => {
      await using server = await scriptedServer({ identity: own });
      const trust = { mode: 'system', fingerprint: null } as const;
      const report = await diagnose({ host: 'localhost', port: server.port, trust });
      return report.steps.find(({ name }) => name === 'certificate');
    };
    assert.equal((await certificateStep(vouchedFor))?.facts.trustedBySystem, true);
    assert.equal((await certificateStep(vouchedForAnother))?.status, 'failed');
  });
});

describe('Restricted Admin mode', () => {
  let demo: Awaited<ReturnType<typeof startDemoServer>>;
  before(async () => {
    demo = await startDemoServer({ credentials: { username: USERNAME, password: PASSWORD }, tls: identity });
  });
  after(() => demo.close());

  it('proves the password and keeps it: what is delegated is empty', async () => {
    let delegated: PasswordCredentials | undefined;
    const { code } = await connectToScripted(
      {
        select: (requested) => (requested & HYBRID ? response(HYBRID, RESTRICTED_ADMIN_SUPPORTED) : refusal(5)),
        onLogon: (credentials) => {
          delegated = credentials;
        },
      },
      { security: { ...SECURITY, restrictedAdmin: true } },
    );
    assert.equal(code, 'connected');
    assert.deepEqual(delegated, { domain: '', user: '', password: '' });
  });

  it('delegates it otherwise, as a control', async () => {
    let delegated: PasswordCredentials | undefined;
    await connectToScripted({
      onLogon: (credentials) => {
        delegated = credentials;
      },
    });
    assert.equal(delegated?.password, PASSWORD);
  });

  it('restricted_admin_refused: a server without it is not sent the password in another way', async () => {
    const { code } = await connectTo(demo.port, { security: { ...SECURITY, restrictedAdmin: true } });
    assert.equal(code, 'restricted_admin_refused');
  });
});
