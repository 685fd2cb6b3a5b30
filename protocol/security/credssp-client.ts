import { equalBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import type { TlsPeer } from './certificate.ts';
import { endPointHashOf } from './certificate.ts';
import { CredSspError } from './credssp-error.ts';
import { CREDSSP_VERSION, checkPublicKeyProof, NONCE_VERSION, publicKeyProof } from './credssp-keys.ts';
import { NtlmClient } from './ntlm-client.ts';
import { channelBindingsHash, tlsServerEndPoint } from './ntlm-crypto.ts';
import { isNtlmMessage } from './ntlm-messages.ts';
import {
  decodeNegTokenResp,
  encodeMechTypes,
  encodeNegTokenInit,
  encodeNegTokenResp,
  Mechanism,
  NegState,
  requireToken,
} from './spnego.ts';
import { encodePasswordCredentials } from './ts-credentials.ts';
import type { TsRequest } from './ts-request.ts';
import { decodeTsRequest, encodeTsRequest } from './ts-request.ts';

export interface CredSspClientOptions {
  /** `user`, `DOMAIN\user` or `user@domain`. */
  readonly username: string;
  readonly password: string;
  /** May be empty; what `username` says of the domain wins. */
  readonly domain: string;
  /** The server's name as the user gave it, for the SPN `TERMSRV/host`. */
  readonly host: string;
  /** Ours, as the server may log it. */
  readonly workstation?: string;
  /** The newest version to offer, 2 to 6; 6 unless given. */
  readonly version?: number;
  /** The oldest to accept from the server; 2 unless given. From 5 on CVE-2018-0886 is closed. */
  readonly oldestVersion?: number;
  /**
   * How NTLM travels: `raw` NTLM messages, which [MS-CSSP] 2.2.1.1 allows and which Windows itself sends when NTLM is
   * its only mechanism (and the only thing that some servers understand), or within `spnego`. Raw unless given.
   */
  readonly negotiation?: 'raw' | 'spnego';
  /** Restricted Admin mode: the server gets no credentials, only the proof that we know them. */
  readonly restrictedAdmin?: boolean;
}

/** What to do after a message from the server. */
export interface CredSspStep {
  readonly send?: Uint8Array;
  /** After `send` is out CredSSP is over, and what comes next is RDP (or EARLY_USER_AUTH_RESULT). */
  readonly done: boolean;
}

/**
 * The client's side of CredSSP with NTLMv2, [MS-CSSP] 3.1.5. Give it whole TSRequests (`findTsRequestSize`).
 * Throws `CredSspError` when the logon fails, `DecodeError` for bytes that break the protocol.
 */
export class CredSspClient {
  readonly #crypto: CryptoProvider;
  readonly #now: number;
  readonly #peer: TlsPeer;
  readonly #version: number;
  readonly #oldestVersion: number;
  readonly #spnego: boolean;
  readonly #nonce: Uint8Array;
  #ntlm: NtlmClient;
  #credentials: Uint8Array;
  #peerVersion: number | undefined;
  #phase: 'start' | 'challenge' | 'mic' | 'public-key' | 'done' = 'start';

  /** @param now milliseconds since the epoch */
  constructor(options: CredSspClientOptions, crypto: CryptoProvider, now: number, peer: TlsPeer) {
    const { user, domain } = splitUserName(options.username, options.domain);
    this.#crypto = crypto;
    this.#now = now;
    this.#peer = peer;
    this.#version = options.version ?? CREDSSP_VERSION.newest;
    this.#oldestVersion = options.oldestVersion ?? CREDSSP_VERSION.oldest;
    this.#spnego = options.negotiation === 'spnego';
    this.#nonce = crypto.randomBytes(32);
    const hash = endPointHashOf(peer, crypto);
    this.#ntlm = new NtlmClient(
      {
        user,
        domain,
        password: options.password,
        workstation: options.workstation ?? '',
        servicePrincipalName: `TERMSRV/${options.host}`,
        ...(hash !== undefined && { channelBindings: channelBindingsHash(crypto, tlsServerEndPoint(hash)) }),
      },
      crypto,
    );
    const delegated = options.restrictedAdmin === true ? NO_CREDENTIALS : { domain, user, password: options.password };
    this.#credentials = encodePasswordCredentials(delegated);
  }

  /** The first TSRequest. */
  start(): Uint8Array {
    if (this.#phase !== 'start') throw new UsageError('CredSSP was started before');
    this.#phase = 'challenge';
    const token = this.#ntlm.negotiate();
    const negoToken = this.#spnego ? encodeNegTokenInit({ mechTypes: MECH_TYPES, mechToken: token }) : token;
    return this.#encode({ negoToken });
  }

  /** @param bytes one whole TSRequest */
  receive(bytes: Uint8Array): CredSspStep {
    const request = decodeTsRequest(bytes);
    if (request.errorCode !== undefined && request.errorCode !== 0) {
      throw new CredSspError(request.errorCode, { origin: 'peer' });
    }
    this.#checkVersion(request.version);
    switch (this.#phase) {
      case 'challenge':
        return this.#challenged(request);
      case 'mic':
        return this.#accepted(request);
      case 'public-key':
        return this.#proved(request);
      default:
        throw new UsageError(`CredSSP message in phase ${this.#phase}`);
    }
  }

  /** The version in use: the lower of the two ends'. */
  get negotiatedVersion(): number {
    return Math.min(this.#version, this.#peerVersion ?? this.#version);
  }

  #challenged(request: TsRequest): CredSspStep {
    const token = requireToken(request.negoToken, 'TSRequest', 'negoTokens');
    // A server without SPNEGO answers the NTLM message in our NegTokenInit with one of its own.
    if (!this.#spnego || isNtlmMessage(token)) {
      const negoToken = this.#ntlm.authenticate(token, this.#now);
      return this.#sendPublicKey({ negoToken });
    }
    const response = decodeNegTokenResp(token);
    if (response.negState === NegState.reject || !isNtlm(response.supportedMech)) {
      throw new CredSspError('ntlm_blocked', { origin: 'peer', detail: 'SPNEGO refused NTLM' });
    }
    const challenge = requireToken(response.responseToken, 'NegTokenResp', 'responseToken');
    const authenticate = this.#ntlm.authenticate(challenge, this.#now);
    this.#phase = 'mic';
    return {
      done: false,
      send: this.#encode({
        negoToken: encodeNegTokenResp({
          negState: NegState.acceptIncomplete,
          responseToken: authenticate,
          mechListMic: this.#ntlm.session.sign(encodeMechTypes(MECH_TYPES)),
        }),
      }),
    };
  }

  /** [RFC 4178] 5: both ends have signed the list of mechanisms, so nobody has shortened it. */
  #accepted(request: TsRequest): CredSspStep {
    const response = decodeNegTokenResp(requireToken(request.negoToken, 'TSRequest', 'negoTokens'));
    if (response.negState === NegState.reject) {
      throw new CredSspError('logon_failed', { origin: 'peer', detail: 'SPNEGO rejected it' });
    }
    if (response.negState !== NegState.acceptCompleted) {
      throw new CredSspError('refused', { origin: 'peer', detail: `SPNEGO state ${response.negState}` });
    }
    if (response.mechListMic !== undefined) {
      this.#ntlm.session.verify(response.mechListMic, encodeMechTypes(MECH_TYPES), 'NegTokenResp');
    }
    this.#ntlm.session.restartKeystreams();
    return this.#sendPublicKey({});
  }

  #sendPublicKey(request: Pick<TsRequest, 'negoToken'>): CredSspStep {
    const nonce = this.#proofNonce();
    const proof = publicKeyProof(this.#crypto, 'client', this.#peer.subjectPublicKey, nonce);
    this.#phase = 'public-key';
    return {
      done: false,
      send: this.#encode({
        ...request,
        pubKeyAuth: this.#ntlm.session.seal(proof),
        ...(nonce !== undefined && { clientNonce: nonce }),
      }),
    };
  }

  #proved(request: TsRequest): CredSspStep {
    const sealed = requireToken(request.pubKeyAuth, 'TSRequest', 'pubKeyAuth');
    const expected = publicKeyProof(this.#crypto, 'server', this.#peer.subjectPublicKey, this.#proofNonce());
    checkPublicKeyProof(this.#ntlm.session, sealed, expected);
    const send = this.#encode({ authInfo: this.#ntlm.session.seal(this.#credentials) });
    this.#phase = 'done';
    this.wipe();
    return { send, done: true };
  }

  /** Forgets the secrets. Done by itself at the end; call it when giving up midway. */
  wipe(): void {
    this.#credentials.fill(0);
    this.#ntlm = new NtlmClient(
      { user: '', domain: '', password: '', workstation: '', servicePrincipalName: '' },
      this.#crypto,
    );
  }

  #proofNonce(): Uint8Array | undefined {
    return this.negotiatedVersion >= NONCE_VERSION ? this.#nonce : undefined;
  }

  /** A server says the same version in all its messages; one that falls back midway does so for an attacker. */
  #checkVersion(version: number): void {
    if (this.#peerVersion === undefined) {
      if (version < this.#oldestVersion) {
        throw new CredSspError('version_refused', { origin: 'local', detail: `the server offers version ${version}` });
      }
      this.#peerVersion = version;
    } else if (version !== this.#peerVersion) {
      throw new DecodeError('invalid_value', 'TSRequest', 'version', 0, `${version} after ${this.#peerVersion}`);
    }
  }

  #encode(request: Omit<TsRequest, 'version'>): Uint8Array {
    return encodeTsRequest({ version: this.#version, ...request });
  }
}

/**
 * What a user name says of its domain: `DOMAIN\user` is taken apart; `user@domain` (a UPN) stays whole with an empty
 * domain, since only the domain's own servers know which account it names.
 */
export function splitUserName(username: string, domain: string): { readonly user: string; readonly domain: string } {
  const backslash = username.indexOf('\\');
  if (backslash >= 0) return { domain: username.slice(0, backslash), user: username.slice(backslash + 1) };
  return { user: username, domain: username.includes('@') ? '' : domain };
}

const MECH_TYPES = [Mechanism.ntlm];
const NO_CREDENTIALS = { domain: '', user: '', password: '' };

/** A server may leave the mechanism out of all but its first answer. */
function isNtlm(mechanism: Uint8Array | undefined): boolean {
  return mechanism === undefined || equalBytes(mechanism, Mechanism.ntlm);
}
