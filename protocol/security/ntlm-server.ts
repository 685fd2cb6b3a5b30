import { concatBytes, equalBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { UsageError } from '../core/errors.ts';
import { CredSspError } from './credssp-error.ts';
import { NtStatus } from './nt-status.ts';
import { AvFlag, AvId, avFlags, avText, decodeAvPairs, fileTime, findAv } from './ntlm-av-pairs.ts';
import { NTLM_VERSION } from './ntlm-client.ts';
import { NtlmSession, ntHash, ntlmV2Key, targetInfoOfResponse, verifyNtlmV2Response } from './ntlm-crypto.ts';
import type { AuthenticateMessage } from './ntlm-messages.ts';
import {
  decodeAuthenticateMessage,
  decodeNegotiateMessage,
  encodeChallengeMessage,
  MIC_OFFSET,
  MIC_SIZE,
  NtlmFlag,
} from './ntlm-messages.ts';
import { rc4 } from './rc4.ts';

/** What a server knows of an account: its password, its NT hash (16 bytes), or why it may not log on. */
export type AccountSecret =
  | { readonly password: string }
  | { readonly ntHash: Uint8Array }
  | { readonly status: number };

/** Finds an account; undefined when there is none. Called with the names as the client sent them. */
export type AccountLookup = (user: string, domain: string) => AccountSecret | undefined;

export interface NtlmServerOptions {
  /** The NetBIOS name of this machine: what clients see as the target. */
  readonly computerName: string;
  readonly domainName?: string;
  readonly lookup: AccountLookup;
  /** MsvAvChannelBindings as this server computes it, 16 bytes; a client that binds to another channel is refused. */
  readonly channelBindings?: Uint8Array;
}

/** Who logged on. */
export interface NtlmIdentity {
  readonly user: string;
  readonly domain: string;
  readonly workstation: string;
}

/** The server's side of NTLMv2 authentication, [MS-NLMP] 3.2. Only NTLMv2, no anonymous logon. */
export class NtlmServer {
  readonly #options: NtlmServerOptions;
  readonly #crypto: CryptoProvider;
  readonly #serverChallenge: Uint8Array;
  #negotiateMessage: Uint8Array | undefined;
  #challengeMessage: Uint8Array | undefined;
  #flags = 0;
  #session: NtlmSession | undefined;

  constructor(options: NtlmServerOptions, crypto: CryptoProvider) {
    this.#options = options;
    this.#crypto = crypto;
    this.#serverChallenge = crypto.randomBytes(8);
  }

  get session(): NtlmSession {
    if (this.#session === undefined) throw new UsageError('NTLM session before authentication');
    return this.#session;
  }

  /** The CHALLENGE_MESSAGE that answers a NEGOTIATE_MESSAGE. `now` in milliseconds since the epoch. */
  challenge(negotiateBytes: Uint8Array, now: number): Uint8Array {
    const { flags } = decodeNegotiateMessage(negotiateBytes);
    const { computerName, domainName = computerName } = this.#options;
    this.#flags = ((flags & SERVER_FLAGS) | NtlmFlag.targetInfo | NtlmFlag.targetTypeServer) >>> 0;
    if ((flags & REQUIRED_FLAGS) !== REQUIRED_FLAGS) {
      throw new CredSspError(NtStatus.notSupported, { origin: 'local' });
    }
    this.#negotiateMessage = negotiateBytes.slice();
    this.#challengeMessage = encodeChallengeMessage({
      flags: this.#flags,
      targetName: computerName,
      serverChallenge: this.#serverChallenge,
      targetInfo: [
        avText(AvId.nbDomainName, domainName),
        avText(AvId.nbComputerName, computerName),
        avText(AvId.dnsDomainName, domainName),
        avText(AvId.dnsComputerName, computerName),
        { id: AvId.timestamp, value: fileTime(now) },
      ],
      version: NTLM_VERSION,
    });
    return this.#challengeMessage;
  }

  /** Checks an AUTHENTICATE_MESSAGE. Throws `CredSspError` with the NTSTATUS to send when it does not convince. */
  verify(authenticateBytes: Uint8Array): NtlmIdentity {
    if (this.#challengeMessage === undefined || this.#negotiateMessage === undefined) {
      throw new UsageError('NTLM authenticate before challenge');
    }
    const message = decodeAuthenticateMessage(authenticateBytes);
    const sessionBaseKey = this.#prove(message);
    const keyExchange = (message.flags & this.#flags & NtlmFlag.keyExchange) !== 0;
    if (keyExchange && message.encryptedSessionKey.length !== 16) throw refused(NtStatus.invalidParameter);
    const exportedSessionKey = keyExchange ? rc4(sessionBaseKey, message.encryptedSessionKey) : sessionBaseKey;

    const targetInfo = decodeAvPairs(targetInfoOfResponse(message.ntResponse));
    if ((avFlags(targetInfo) & AvFlag.micPresent) !== 0) {
      const unsigned = authenticateBytes.slice();
      unsigned.fill(0, MIC_OFFSET, MIC_OFFSET + MIC_SIZE);
      const signed = concatBytes(this.#negotiateMessage, this.#challengeMessage, unsigned);
      const mic = this.#crypto.hmacMd5(exportedSessionKey, signed);
      if (message.mic === undefined || !equalBytes(mic, message.mic)) throw refused(NtStatus.logonFailure);
    }
    this.#checkChannelBindings(findAv(targetInfo, AvId.channelBindings));

    const flags = (message.flags & this.#flags) >>> 0;
    this.#session = new NtlmSession(this.#crypto, flags, exportedSessionKey, 'server');
    return { user: message.user, domain: message.domain, workstation: message.workstation };
  }

  #prove(message: AuthenticateMessage): Uint8Array {
    if (message.user === '') throw refused(NtStatus.logonFailure);
    const account = this.#options.lookup(message.user, message.domain);
    // An unknown user costs as much time as a wrong password, and gets the same answer.
    const known = account !== undefined && !('status' in account) ? account : { ntHash: new Uint8Array(16) };
    const hash = 'password' in known ? ntHash(known.password) : known.ntHash;
    const key = ntlmV2Key(this.#crypto, hash, message.user, message.domain);
    const proven = verifyNtlmV2Response(this.#crypto, key, this.#serverChallenge, message.ntResponse);
    if (account !== undefined && 'status' in account) throw refused(account.status);
    if (proven === undefined || account === undefined) throw refused(NtStatus.logonFailure);
    return proven;
  }

  /** A client that sends none, or all zeros, does not know its channel; one that names another is being relayed. */
  #checkChannelBindings(bindings: Uint8Array | undefined): void {
    const own = this.#options.channelBindings;
    if (own === undefined || bindings === undefined || bindings.every((byte) => byte === 0)) return;
    if (!equalBytes(bindings, own)) throw refused(NtStatus.badBindings);
  }
}

const REQUIRED_FLAGS = NtlmFlag.unicode | NtlmFlag.extendedSessionSecurity | NtlmFlag.seal | NtlmFlag.key128;

const SERVER_FLAGS =
  REQUIRED_FLAGS |
  NtlmFlag.requestTarget |
  NtlmFlag.sign |
  NtlmFlag.ntlm |
  NtlmFlag.alwaysSign |
  NtlmFlag.version |
  NtlmFlag.keyExchange |
  NtlmFlag.key56;

function refused(status: number): CredSspError {
  return new CredSspError(status, { origin: 'local' });
}
