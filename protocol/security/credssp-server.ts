import { equalBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import type { TlsPeer } from './certificate.ts';
import { endPointHashOf } from './certificate.ts';
import { CredSspError } from './credssp-error.ts';
import {
  CREDSSP_VERSION,
  carriesErrorCode,
  checkPublicKeyProof,
  NONCE_VERSION,
  publicKeyProof,
} from './credssp-keys.ts';
import { NtStatus } from './nt-status.ts';
import { channelBindingsHash, tlsServerEndPoint } from './ntlm-crypto.ts';
import { isNtlmMessage } from './ntlm-messages.ts';
import type { AccountLookup, NtlmIdentity } from './ntlm-server.ts';
import { NtlmServer } from './ntlm-server.ts';
import type { NegTokenResp } from './spnego.ts';
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeMechTypes,
  encodeNegTokenResp,
  Mechanism,
  NegState,
  requireToken,
  spnegoTokenKind,
} from './spnego.ts';
import { decodePasswordCredentials, type PasswordCredentials } from './ts-credentials.ts';
import { decodeTsRequest, encodeTsRequest, type TsRequest } from './ts-request.ts';

export interface CredSspServerOptions {
  readonly lookup: AccountLookup;
  /** NetBIOS name of this server, 15 letters at most. */
  readonly computerName: string;
  readonly domainName?: string;
  /** The newest version to speak, 2 to 6; 6 unless given. */
  readonly version?: number;
  /** The oldest version of a client to accept; 2 unless given. */
  readonly oldestVersion?: number;
}

export interface CredSspServerStep {
  readonly send?: Uint8Array;
  readonly done: boolean;
  /** The client failed: send `send`, if there is one (it tells the client why), then close. */
  readonly error?: CredSspError | DecodeError;
}

/**
 * The server's side of CredSSP with NTLMv2, [MS-CSSP] 3.1.5; the mirror image of `CredSspClient`. Accepts NTLM in
 * SPNEGO and as it is. A failed logon is not thrown but returned, since the client is to be told the NTSTATUS;
 * `DecodeError` is thrown for bytes that break the protocol.
 */
export class CredSspServer {
  readonly #crypto: CryptoProvider;
  readonly #now: number;
  readonly #peer: TlsPeer;
  readonly #version: number;
  readonly #oldestVersion: number;
  readonly #ntlm: NtlmServer;
  #clientVersion: number | undefined;
  #nonce: Uint8Array | undefined;
  /** The client's MechTypeList, when it speaks SPNEGO. */
  #mechTypes: readonly Uint8Array[] | undefined;
  #phase: 'negotiate' | 'authenticate' | 'public-key' | 'credentials' | 'done' | 'failed' = 'negotiate';
  #identity: NtlmIdentity | undefined;
  #credentials: PasswordCredentials | undefined;

  /**
   * @param now milliseconds since the epoch: the client takes the time from us
   * @param own this server's certificate, as the client sees it
   */
  constructor(options: CredSspServerOptions, crypto: CryptoProvider, now: number, own: TlsPeer) {
    this.#crypto = crypto;
    this.#now = now;
    this.#peer = own;
    this.#version = options.version ?? CREDSSP_VERSION.newest;
    this.#oldestVersion = options.oldestVersion ?? CREDSSP_VERSION.oldest;
    const hash = endPointHashOf(own, crypto);
    this.#ntlm = new NtlmServer(
      {
        computerName: options.computerName,
        ...(options.domainName !== undefined && { domainName: options.domainName }),
        lookup: options.lookup,
        ...(hash !== undefined && { channelBindings: channelBindingsHash(crypto, tlsServerEndPoint(hash)) }),
      },
      crypto,
    );
  }

  /** Who logged on, once the client has proved it. */
  get identity(): NtlmIdentity | undefined {
    return this.#identity;
  }

  /** The credentials that the client delegated, once done; all empty in Restricted Admin mode. */
  get credentials(): PasswordCredentials | undefined {
    return this.#credentials;
  }

  /** @param bytes one whole TSRequest */
  receive(bytes: Uint8Array): CredSspServerStep {
    if (this.#phase === 'done' || this.#phase === 'failed') throw new UsageError(`CredSSP message when ${this.#phase}`);
    const request = decodeTsRequest(bytes);
    try {
      this.#checkVersion(request.version);
      switch (this.#phase) {
        case 'negotiate':
          return this.#negotiate(request);
        case 'authenticate':
          return this.#authenticate(request);
        case 'public-key':
          return this.#publicKey(request, undefined);
        case 'credentials':
          return this.#delegated(request);
      }
    } catch (error) {
      this.#phase = 'failed';
      if (!(error instanceof CredSspError)) throw error;
      const told = error.status !== 0 && carriesErrorCode(this.#clientVersion ?? 0);
      return { error, done: false, ...(told && { send: this.#encode({ errorCode: error.status }) }) };
    }
  }

  #negotiate(request: TsRequest): CredSspServerStep {
    const token = requireToken(request.negoToken, 'TSRequest', 'negoTokens');
    if (isNtlmMessage(token)) {
      this.#phase = 'authenticate';
      return { done: false, send: this.#encode({ negoToken: this.#challenge(token) }) };
    }
    if (spnegoTokenKind(token) === 'resp' && this.#mechTypes !== undefined) {
      // The client begins NTLM, after we chose it over what it wanted most.
      const { responseToken } = decodeNegTokenResp(token);
      return this.#offer(requireToken(responseToken, 'NegTokenResp', 'responseToken'));
    }
    if (this.#mechTypes !== undefined) {
      throw new DecodeError('unexpected_message', 'NegTokenInit', 'negoToken', 0, 'a second NegTokenInit');
    }
    const init = decodeNegTokenInit(token);
    const index = init.mechTypes.findIndex((oid) => equalBytes(oid, Mechanism.ntlm));
    if (index < 0) throw new CredSspError(NtStatus.secInvalidToken, { origin: 'local', detail: 'NTLM not offered' });
    this.#mechTypes = init.mechTypes.map((oid) => oid.slice());
    // The optimistic token is for the first mechanism; where that is not NTLM, the client starts NTLM on our answer.
    if (index > 0 || init.mechToken === undefined) {
      const negState = index > 0 ? NegState.requestMic : NegState.acceptIncomplete;
      return this.#respond({ negState, supportedMech: Mechanism.ntlm });
    }
    return this.#offer(init.mechToken);
  }

  #offer(negotiateMessage: Uint8Array): CredSspServerStep {
    this.#phase = 'authenticate';
    return this.#respond({
      negState: NegState.acceptIncomplete,
      supportedMech: Mechanism.ntlm,
      responseToken: this.#challenge(negotiateMessage),
    });
  }

  #authenticate(request: TsRequest): CredSspServerStep {
    const token = requireToken(request.negoToken, 'TSRequest', 'negoTokens');
    if (this.#mechTypes === undefined || isNtlmMessage(token)) {
      this.#identity = this.#ntlm.verify(token);
      return this.#publicKey(request, undefined);
    }
    const response = decodeNegTokenResp(token);
    this.#identity = this.#ntlm.verify(requireToken(response.responseToken, 'NegTokenResp', 'responseToken'));
    const list = encodeMechTypes(this.#mechTypes);
    let mechListMic: Uint8Array | undefined;
    if (response.mechListMic !== undefined) {
      this.#ntlm.session.verify(response.mechListMic, list, 'NegTokenResp');
      mechListMic = this.#ntlm.session.sign(list);
      this.#ntlm.session.restartKeystreams();
    }
    const accepted: NegTokenResp = {
      negState: NegState.acceptCompleted,
      ...(mechListMic !== undefined && { mechListMic }),
    };
    // Some clients send the public key along with their last token, others wait for our acceptance.
    if (request.pubKeyAuth !== undefined) return this.#publicKey(request, accepted);
    this.#phase = 'public-key';
    return this.#respond(accepted);
  }

  #publicKey(request: TsRequest, accepted: NegTokenResp | undefined): CredSspServerStep {
    const sealed = requireToken(request.pubKeyAuth, 'TSRequest', 'pubKeyAuth');
    const version = Math.min(this.#version, request.version);
    this.#nonce = version < NONCE_VERSION ? undefined : requireToken(request.clientNonce, 'TSRequest', 'clientNonce');
    const expected = publicKeyProof(this.#crypto, 'client', this.#peer.subjectPublicKey, this.#nonce);
    checkPublicKeyProof(this.#ntlm.session, sealed, expected);
    const answer = publicKeyProof(this.#crypto, 'server', this.#peer.subjectPublicKey, this.#nonce);
    this.#phase = 'credentials';
    const negoToken = accepted === undefined ? undefined : encodeNegTokenResp(accepted);
    return {
      done: false,
      send: this.#encode({
        pubKeyAuth: this.#ntlm.session.seal(answer),
        ...(negoToken !== undefined && { negoToken }),
      }),
    };
  }

  #delegated(request: TsRequest): CredSspServerStep {
    const sealed = requireToken(request.authInfo, 'TSRequest', 'authInfo');
    this.#credentials = decodePasswordCredentials(this.#ntlm.session.unseal(sealed, 'authInfo'));
    this.#phase = 'done';
    return { done: true };
  }

  #challenge(token: Uint8Array): Uint8Array {
    return this.#ntlm.challenge(token, this.#now);
  }

  #respond(response: NegTokenResp): CredSspServerStep {
    return { done: false, send: this.#encode({ negoToken: encodeNegTokenResp(response) }) };
  }

  #checkVersion(version: number): void {
    if (this.#clientVersion === undefined) {
      this.#clientVersion = version;
      if (version < this.#oldestVersion) {
        throw new CredSspError('version_refused', { origin: 'local', detail: `the client offers version ${version}` });
      }
    } else if (version !== this.#clientVersion) {
      throw new DecodeError('invalid_value', 'TSRequest', 'version', 0, `${version} after ${this.#clientVersion}`);
    }
  }

  #encode(request: Omit<TsRequest, 'version'>): Uint8Array {
    return encodeTsRequest({ version: this.#version, ...request });
  }
}
