import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { nodeCrypto as crypto } from '../../gateway/rdp/node-crypto.ts';
import { DecodeError } from '../../protocol/core/errors.ts';
import type { TlsPeer } from '../../protocol/security/certificate.ts';
import { CredSspClient, type CredSspClientOptions, splitUserName } from '../../protocol/security/credssp-client.ts';
import { CredSspError } from '../../protocol/security/credssp-error.ts';
import { CredSspServer, type CredSspServerOptions } from '../../protocol/security/credssp-server.ts';
import { NtStatus } from '../../protocol/security/nt-status.ts';
import { AvFlag, AvId, avFlags, decodeAvPairs, findAv, findAvText } from '../../protocol/security/ntlm-av-pairs.ts';
import {
  channelBindingsHash,
  ntHash,
  targetInfoOfResponse,
  tlsServerEndPoint,
} from '../../protocol/security/ntlm-crypto.ts';
import {
  decodeAuthenticateMessage,
  decodeChallengeMessage,
  encodeAuthenticateMessage,
  encodeChallengeMessage,
  MIC_OFFSET,
  NtlmFlag,
} from '../../protocol/security/ntlm-messages.ts';
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
  Mechanism,
  NegState,
} from '../../protocol/security/spnego.ts';
import { decodeTsRequest, encodeTsRequest, findTsRequestSize } from '../../protocol/security/ts-request.ts';

const NOW = Date.UTC(2026, 10, 21);
const USER = { username: 'CORP\\jöran', password: 'pä$$ wörd €', domain: '', host: 'server.example' };
const peer: TlsPeer = {
  certificate: new Uint8Array(0),
  subjectPublicKey: Uint8Array.of(0xff, 0xff, 3, 4, 5),
  endPointHash: new Uint8Array(32).fill(7),
};
const lookup: CredSspServerOptions['lookup'] = (user, domain) =>
  user.toLowerCase() === 'jöran' && domain === 'CORP' ? { password: USER.password } : undefined;

type Side = 'client' | 'server';
type Tamper = (bytes: Uint8Array, from: Side, index: number) => Uint8Array;

interface Parts {
  readonly client?: Partial<CredSspClientOptions>;
  readonly server?: Partial<CredSspServerOptions>;
  /** Changes a message underway. */
  readonly tamper?: Tamper;
  /** The certificate that the server has, where it is not the one that the client sees. */
  readonly serverPeer?: TlsPeer;
}

interface Run {
  readonly client: CredSspClient;
  readonly server: CredSspServer;
  readonly messages: readonly { readonly from: Side; readonly bytes: Uint8Array }[];
  readonly done: boolean;
  readonly serverError: Error | undefined;
  readonly clientError: Error | undefined;
}

/** Runs both ends against each other until both are done or one has failed. */
function run({ client: clientOptions, server: serverOptions, tamper = (bytes) => bytes, serverPeer }: Parts = {}): Run {
  const client = new CredSspClient({ ...USER, ...clientOptions }, crypto, NOW, peer);
  const server = new CredSspServer({ lookup, computerName: 'HOST', ...serverOptions }, crypto, NOW, serverPeer ?? peer);
  const messages: { from: Side; bytes: Uint8Array }[] = [];
  let [clientDone, serverDone] = [false, false];
  let clientError: Error | undefined;
  let serverError: Error | undefined;
  let fromClient: Uint8Array | undefined = client.start();
  const carry = (from: Side, bytes: Uint8Array): Uint8Array => {
    const carried = tamper(bytes, from, messages.length);
    messages.push({ from, bytes: carried });
    return carried;
  };
  while (fromClient !== undefined) {
    const toServer = carry('client', fromClient);
    fromClient = undefined;
    try {
      const step = server.receive(toServer);
      serverError = step.error;
      serverDone = step.done;
      if (step.send === undefined) break;
      const toClient = carry('server', step.send);
      try {
        const answer = client.receive(toClient);
        fromClient = answer.send;
        clientDone = answer.done;
      } catch (error) {
        clientError = error as Error;
      }
    } catch (error) {
      serverError = error as Error;
    }
  }
  return { client, server, messages, done: clientDone && serverDone, serverError, clientError };
}

/** Changes the NTLM token of the message from `side` with that index. */
function tamperToken(index: number, change: (token: Uint8Array) => Uint8Array): Tamper {
  return (bytes, _from, at) => {
    if (at !== index) return bytes;
    const request = decodeTsRequest(bytes);
    return encodeTsRequest({ ...request, negoToken: change((request.negoToken ?? new Uint8Array(0)).slice()) });
  };
}

function codeOf(error: Error | undefined): string | undefined {
  return error instanceof CredSspError || error instanceof DecodeError ? error.code : error?.message;
}

describe('CredSSP, our client against our server', () => {
  for (const version of [2, 3, 4, 5, 6]) {
    for (const negotiation of ['raw', 'spnego'] as const) {
      it(`a client of version ${version} logs on (${negotiation}) and delegates its credentials`, () => {
        const { done, server, messages } = run({ client: { version, negotiation } });
        assert.ok(done);
        assert.deepEqual(server.identity, { user: 'jöran', domain: 'CORP', workstation: '' });
        assert.deepEqual(server.credentials, { user: 'jöran', domain: 'CORP', password: USER.password });
        assert.equal(messages.length, negotiation === 'raw' ? 5 : 7);
        for (const { bytes } of messages) assert.equal(findTsRequestSize(bytes), bytes.length);
        const nonces = messages.filter(({ bytes }) => decodeTsRequest(bytes).clientNonce !== undefined);
        assert.equal(nonces.length, version >= 5 ? 1 : 0);
      });

      it(`a server of version ${version} is logged on to (${negotiation})`, () => {
        const { done, client, server } = run({ client: { negotiation }, server: { version } });
        assert.ok(done);
        assert.equal(client.negotiatedVersion, version);
        assert.equal(server.credentials?.password, USER.password);
      });
    }
  }

  it('takes any user name and password', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !/[\\@]/.test(text));
    fc.assert(
      fc.property(word, word, fc.string({ unit: 'grapheme', maxLength: 60 }), (user, domain, password) => {
        const { done, server } = run({
          client: { username: user, domain, password },
          server: { lookup: () => ({ password }) },
        });
        assert.ok(done);
        assert.deepEqual(server.credentials, { user, domain, password });
      }),
      { numRuns: 50 },
    );
  });

  it('logs on by NT hash alone on the server', () => {
    assert.ok(run({ server: { lookup: () => ({ ntHash: ntHash(USER.password) }) } }).done);
  });

  it('gives away no credentials in Restricted Admin mode', () => {
    const { done, server } = run({ client: { restrictedAdmin: true } });
    assert.ok(done);
    assert.equal(server.identity?.user, 'jöran');
    assert.deepEqual(server.credentials, { user: '', domain: '', password: '' });
  });

  it('promises a MIC, binds to the certificate and names the service', () => {
    const { messages } = run();
    const token = decodeTsRequest(messages[2]?.bytes ?? new Uint8Array(0)).negoToken ?? new Uint8Array(0);
    const info = decodeAvPairs(targetInfoOfResponse(decodeAuthenticateMessage(token).ntResponse));
    assert.equal(avFlags(info), AvFlag.micPresent);
    assert.equal(findAvText(info, AvId.targetName), 'TERMSRV/server.example');
    const hash = channelBindingsHash(crypto, tlsServerEndPoint(peer.endPointHash ?? new Uint8Array(0)));
    assert.deepEqual(findAv(info, AvId.channelBindings), hash);
  });

  it('says that it has no channel binding where the certificate allows none', () => {
    // A certificate signed by an unknown algorithm; the client reads its public key from elsewhere.
    const unbound = {
      certificate: Uint8Array.of(0x30, 0x08, 0x30, 0, 0x30, 4, 6, 2, 0x2a, 0x03),
      subjectPublicKey: peer.subjectPublicKey,
    };
    const client = new CredSspClient(USER, crypto, NOW, unbound);
    const server = new CredSspServer({ lookup, computerName: 'HOST' }, crypto, NOW, peer);
    const step = client.receive(server.receive(client.start()).send ?? new Uint8Array(0));
    const token = decodeTsRequest(step.send ?? new Uint8Array(0)).negoToken ?? new Uint8Array(0);
    const info = decodeAvPairs(targetInfoOfResponse(decodeAuthenticateMessage(token).ntResponse));
    assert.deepEqual(findAv(info, AvId.channelBindings), new Uint8Array(16));
    assert.equal(server.receive(step.send ?? new Uint8Array(0)).error, undefined);
  });
});

describe('CredSSP, refused', () => {
  for (const version of [2, 3, 4, 5, 6]) {
    it(`tells a client of version ${version} of a wrong password ${version === 2 || version === 5 ? 'by hanging up' : 'by NTSTATUS'}`, () => {
      const { clientError, serverError, messages, server } = run({ client: { version, password: 'wrong' } });
      assert.equal(codeOf(serverError), 'logon_failed');
      assert.equal(server.identity, undefined);
      if (version === 2 || version === 5) {
        assert.equal(clientError, undefined);
        assert.equal(messages.length, 3);
      } else {
        assert.equal(codeOf(clientError), 'logon_failed');
        assert.ok(clientError instanceof CredSspError && clientError.status === NtStatus.logonFailure);
      }
    });
  }

  it('answers an unknown user as it does a wrong password', () => {
    const { clientError } = run({ client: { username: 'CORP\\nobody' } });
    assert.ok(clientError instanceof CredSspError && clientError.status === NtStatus.logonFailure);
  });

  const statuses = {
    account_locked: NtStatus.accountLockedOut,
    account_disabled: NtStatus.accountDisabled,
    account_expired: NtStatus.accountExpired,
    password_expired: NtStatus.passwordExpired,
    password_must_change: NtStatus.passwordMustChange,
    logon_type_not_granted: NtStatus.logonTypeNotGranted,
    account_restriction: NtStatus.accountRestriction,
    time_skew: NtStatus.timeDifferenceAtDc,
  } as const;
  for (const [code, status] of Object.entries(statuses)) {
    it(`carries ${code} to the client`, () => {
      const { clientError } = run({ server: { lookup: () => ({ status }) } });
      assert.equal(codeOf(clientError), code);
    });
  }

  it('does not delegate to a server that does not know the public key', () => {
    for (const negotiation of ['raw', 'spnego'] as const) {
      for (const version of [2, 4, 5, 6]) {
        const { clientError, serverError, server } = run({
          client: { version, negotiation },
          serverPeer: { ...peer, subjectPublicKey: Uint8Array.of(9, 9, 9) },
        });
        assert.equal(codeOf(serverError), 'public_key_mismatch');
        assert.equal(clientError, undefined);
        assert.equal(server.credentials, undefined);
      }
    }
  });

  it('refuses a pubKeyAuth that was changed underway, on both ends', () => {
    const flip: (index: number) => Tamper = (index) => (bytes, _from, at) => {
      if (at !== index) return bytes;
      const request = decodeTsRequest(bytes);
      const pubKeyAuth = (request.pubKeyAuth ?? new Uint8Array(0)).slice();
      pubKeyAuth[20] = (pubKeyAuth[20] ?? 0) ^ 1;
      return encodeTsRequest({ ...request, pubKeyAuth });
    };
    assert.equal(codeOf(run({ tamper: flip(2) }).serverError), 'public_key_mismatch');
    assert.equal(codeOf(run({ tamper: flip(3) }).clientError), 'public_key_mismatch');
  });

  it('refuses a server that sends the client its own pubKeyAuth back', () => {
    let own: Uint8Array | undefined;
    for (const version of [2, 6]) {
      const { clientError } = run({
        client: { version },
        tamper: (bytes, _from, at) => {
          if (at === 2) own = decodeTsRequest(bytes).pubKeyAuth?.slice();
          return at === 3 && own !== undefined ? encodeTsRequest({ version: 6, pubKeyAuth: own }) : bytes;
        },
      });
      assert.equal(codeOf(clientError), 'public_key_mismatch');
    }
  });

  it('refuses a client that bound itself to another certificate', () => {
    const { clientError } = run({ serverPeer: { ...peer, endPointHash: new Uint8Array(32).fill(8) } });
    assert.equal(codeOf(clientError), 'channel_binding_mismatch');
  });

  it('refuses messages that were changed underway, by the MIC', () => {
    const downgraded = run({
      tamper: tamperToken(1, (token) => {
        const challenge = decodeChallengeMessage(token);
        return encodeChallengeMessage({ ...challenge, flags: challenge.flags & ~NtlmFlag.key56 });
      }),
    });
    assert.equal(codeOf(downgraded.serverError), 'logon_failed');
    const stripped = run({
      tamper: tamperToken(2, (token) => {
        token.fill(0, MIC_OFFSET, MIC_OFFSET + 16);
        return token;
      }),
    });
    assert.equal(codeOf(stripped.serverError), 'logon_failed');
  });

  it('refuses NTLMv1, anonymous logon and a server without extended session security', () => {
    const change = (fields: Record<string, unknown>): Tamper =>
      tamperToken(2, (token) => encodeAuthenticateMessage({ ...decodeAuthenticateMessage(token), ...fields }));
    assert.equal(codeOf(run({ tamper: change({ ntResponse: new Uint8Array(24) }) }).serverError), 'logon_failed');
    assert.equal(codeOf(run({ tamper: change({ user: '' }) }).serverError), 'logon_failed');
    const weak = tamperToken(1, (token) => {
      const challenge = decodeChallengeMessage(token);
      return encodeChallengeMessage({ ...challenge, flags: challenge.flags & ~NtlmFlag.extendedSessionSecurity });
    });
    assert.match(run({ tamper: weak }).clientError?.message ?? '', /extended session security/);
  });

  it('refuses versions older than allowed, and a version that changes midway', () => {
    assert.equal(codeOf(run({ client: { oldestVersion: 5 }, server: { version: 4 } }).clientError), 'version_refused');
    assert.equal(codeOf(run({ client: { version: 4 }, server: { oldestVersion: 5 } }).serverError), 'version_refused');
    const changed =
      (index: number): Tamper =>
      (bytes, _from, at) =>
        at === index ? encodeTsRequest({ ...decodeTsRequest(bytes), version: 3 }) : bytes;
    assert.equal(codeOf(run({ tamper: changed(2) }).serverError), 'invalid_value');
    assert.equal(codeOf(run({ tamper: changed(3) }).clientError), 'invalid_value');
  });

  it('takes a peer of a version to come for one of version 6', () => {
    const later: Tamper = (bytes) => encodeTsRequest({ ...decodeTsRequest(bytes), version: 9 });
    assert.ok(run({ tamper: later }).done);
  });
});

describe('CredSSP within SPNEGO', () => {
  it('signs the list of mechanisms, both ways', () => {
    const { messages } = run({ client: { negotiation: 'spnego' } });
    const token = (at: number): Uint8Array =>
      decodeTsRequest(messages[at]?.bytes ?? new Uint8Array(0)).negoToken ?? new Uint8Array(0);
    assert.deepEqual(decodeNegTokenInit(token(0)).mechTypes, [Mechanism.ntlm]);
    assert.equal(decodeNegTokenResp(token(1)).negState, NegState.acceptIncomplete);
    assert.equal(decodeNegTokenResp(token(2)).mechListMic?.length, 16);
    const accepted = decodeNegTokenResp(token(3));
    assert.equal(accepted.negState, NegState.acceptCompleted);
    assert.equal(accepted.mechListMic?.length, 16);
  });

  it('refuses a list of mechanisms that was changed underway', () => {
    const other = Uint8Array.of(0x2b, 0x06, 0x01);
    const added = run({
      client: { negotiation: 'spnego' },
      tamper: tamperToken(0, (token) => {
        const init = decodeNegTokenInit(token);
        return encodeNegTokenInit({ ...init, mechTypes: [...init.mechTypes, other] });
      }),
    });
    assert.equal(codeOf(added.serverError), 'integrity');
    const signed = run({
      client: { negotiation: 'spnego' },
      tamper: tamperToken(3, (token) =>
        encodeNegTokenResp({ ...decodeNegTokenResp(token), mechListMic: new Uint8Array(16) }),
      ),
    });
    assert.equal(codeOf(signed.clientError), 'integrity');
  });

  it('tolerates a server that answers SPNEGO with NTLM as it is', () => {
    const client = new CredSspClient({ ...USER, negotiation: 'spnego' }, crypto, NOW, peer);
    const server = new CredSspServer({ lookup, computerName: 'HOST' }, crypto, NOW, peer);
    const first = decodeTsRequest(client.start());
    const inner = decodeNegTokenInit(first.negoToken ?? new Uint8Array(0)).mechToken ?? new Uint8Array(0);
    let answer = server.receive(encodeTsRequest({ ...first, negoToken: inner }));
    let step = client.receive(answer.send ?? new Uint8Array(0));
    answer = server.receive(step.send ?? new Uint8Array(0));
    step = client.receive(answer.send ?? new Uint8Array(0));
    assert.ok(step.done);
    assert.ok(server.receive(step.send ?? new Uint8Array(0)).done);
  });

  it('brings a client that would rather have Kerberos to NTLM', () => {
    const kerberos = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02);
    const server = new CredSspServer({ lookup, computerName: 'HOST' }, crypto, NOW, peer);
    const wanted = encodeNegTokenInit({ mechTypes: [kerberos, Mechanism.ntlm], mechToken: Uint8Array.of(1, 2, 3) });
    const first = decodeTsRequest(
      server.receive(encodeTsRequest({ version: 6, negoToken: wanted })).send ?? new Uint8Array(0),
    );
    const choice = decodeNegTokenResp(first.negoToken ?? new Uint8Array(0));
    assert.deepEqual(choice.supportedMech, Mechanism.ntlm);
    assert.equal(choice.negState, NegState.requestMic);
    assert.equal(choice.responseToken, undefined);
    const client = new CredSspClient(USER, crypto, NOW, peer);
    const negotiate = decodeTsRequest(client.start()).negoToken ?? new Uint8Array(0);
    const second = server.receive(
      encodeTsRequest({ version: 6, negoToken: encodeNegTokenResp({ responseToken: negotiate }) }),
    );
    const challenge = decodeNegTokenResp(
      decodeTsRequest(second.send ?? new Uint8Array(0)).negoToken ?? new Uint8Array(0),
    );
    assert.equal(decodeChallengeMessage(challenge.responseToken ?? new Uint8Array(0)).targetName, 'HOST');
    assert.throws(() => server.receive(encodeTsRequest({ version: 6, negoToken: wanted })), DecodeError);
  });

  it('refuses a client that offers no NTLM', () => {
    const server = new CredSspServer({ lookup, computerName: 'HOST' }, crypto, NOW, peer);
    const offer = encodeNegTokenInit({ mechTypes: [Uint8Array.of(0x2a, 0x03)], mechToken: Uint8Array.of(1) });
    assert.ok(server.receive(encodeTsRequest({ version: 6, negoToken: offer })).error instanceof CredSspError);
  });

  it('is refused by a server that refuses', () => {
    const client = new CredSspClient({ ...USER, negotiation: 'spnego' }, crypto, NOW, peer);
    client.start();
    const rejected = encodeNegTokenResp({ negState: NegState.reject });
    assert.throws(() => client.receive(encodeTsRequest({ version: 6, negoToken: rejected })), { code: 'ntlm_blocked' });
    const later = run({ client: { negotiation: 'spnego' }, tamper: tamperToken(3, () => rejected) });
    assert.equal(codeOf(later.clientError), 'logon_failed');
  });
});

describe('hostile CredSSP', () => {
  it('ends in a DecodeError or CredSspError, wherever bytes are changed or cut', () => {
    const honest = run().messages;
    fc.assert(
      fc.property(
        fc.nat(honest.length - 1),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (index, at, mask, cut) => {
          const { done, clientError, serverError } = run({
            tamper: (bytes, _from, i) => {
              if (i !== index) return bytes;
              const changed = cut ? bytes.slice(0, at % bytes.length) : bytes.slice();
              if (!cut) changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ mask;
              return changed;
            },
          });
          const error = clientError ?? serverError;
          if (error === undefined) return; // such as a change in the version of the NTLM stack that is before the MIC
          assert.ok(/^(DecodeError|CredSspError|UnsupportedError)$/.test(error.name), inspect(error));
          assert.ok(!done);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('shows no password in errors or when inspected', () => {
    const { client, server, clientError, serverError } = run({ client: { password: 'Canary-1!' } });
    assert.ok(clientError !== undefined && serverError !== undefined);
    const text = [client, server, clientError, serverError]
      .map((value) => inspect(value, { depth: 20, showHidden: true }) + JSON.stringify(value))
      .join('\n');
    for (const secret of ['Canary', USER.password, Buffer.from('Canary', 'utf16le').toString('hex')]) {
      assert.ok(!text.includes(secret));
    }
  });
});

describe('splitUserName', () => {
  it('takes the domain from the user name, wherever it stands', () => {
    assert.deepEqual(splitUserName('CORP\\ann', 'other'), { domain: 'CORP', user: 'ann' });
    assert.deepEqual(splitUserName('.\\ann', ''), { domain: '.', user: 'ann' });
    assert.deepEqual(splitUserName('ann@corp.example', 'CORP'), { domain: '', user: 'ann@corp.example' });
    assert.deepEqual(splitUserName('ann', 'CORP'), { domain: 'CORP', user: 'ann' });
    assert.deepEqual(splitUserName('ann', ''), { domain: '', user: 'ann' });
  });
});
