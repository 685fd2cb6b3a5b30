import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError, UnsupportedError, UsageError } from '../core/errors.ts';
import { encodeUtf16le } from '../core/text.ts';
import type { AvPair, AvPairs } from './ntlm-av-pairs.ts';
import { AvFlag, AvId, avFlags, avFlagsPair, avTimestamp, encodeAvPairs, fileTime } from './ntlm-av-pairs.ts';
import { NtlmSession, ntHash, ntlmV2Key, ntlmV2Response } from './ntlm-crypto.ts';
import type { NtlmVersion } from './ntlm-messages.ts';
import {
  decodeChallengeMessage,
  encodeAuthenticateMessage,
  encodeNegotiateMessage,
  MIC_OFFSET,
  MIC_SIZE,
  NtlmFlag,
} from './ntlm-messages.ts';
import { rc4 } from './rc4.ts';

export interface NtlmClientOptions {
  /** As typed apart: `domain` may be empty, `user` may be a UPN (`user@domain`) with an empty domain. */
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  readonly workstation: string;
  /** MsvAvTargetName, for example `TERMSRV/host`. */
  readonly servicePrincipalName: string;
  /** MsvAvChannelBindings, 16 bytes; undefined where the channel has none, which is then said so. */
  readonly channelBindings?: Uint8Array;
}

/**
 * The client's side of NTLMv2 authentication, [MS-NLMP] 3.1: one `negotiate()`, one `authenticate()`, then `session`
 * signs and seals. NTLMv1, and servers that do not negotiate extended session security, are refused.
 */
export class NtlmClient {
  readonly #options: NtlmClientOptions;
  readonly #crypto: CryptoProvider;
  #negotiateMessage: Uint8Array | undefined;
  #session: NtlmSession | undefined;

  constructor(options: NtlmClientOptions, crypto: CryptoProvider) {
    this.#options = options;
    this.#crypto = crypto;
  }

  /** Signing and sealing; only once `authenticate` has been called. */
  get session(): NtlmSession {
    if (this.#session === undefined) throw new UsageError('NTLM session before authentication');
    return this.#session;
  }

  /** The NEGOTIATE_MESSAGE. */
  negotiate(): Uint8Array {
    this.#negotiateMessage = encodeNegotiateMessage({
      flags: CLIENT_FLAGS,
      domain: new Uint8Array(0),
      workstation: new Uint8Array(0),
      version: NTLM_VERSION,
    });
    return this.#negotiateMessage;
  }

  /**
   * [MS-NLMP] 3.1.5.1.2: the AUTHENTICATE_MESSAGE that answers a CHALLENGE_MESSAGE.
   * @param now milliseconds since the epoch, used where the server tells no time
   */
  authenticate(challengeBytes: Uint8Array, now: number): Uint8Array {
    if (this.#negotiateMessage === undefined) throw new UsageError('NTLM challenge before negotiate');
    const challenge = decodeChallengeMessage(challengeBytes);
    const flags = (challenge.flags & CLIENT_FLAGS) | (challenge.flags & NtlmFlag.targetInfo);
    requireFlags(flags);
    const serverTime = avTimestamp(challenge.targetInfo);
    const targetInfo = this.#clientTargetInfo(challenge.targetInfo, serverTime !== undefined);

    const { user, domain } = this.#options;
    const responseKey = ntlmV2Key(this.#crypto, ntHash(this.#options.password), user, domain);
    const clientChallenge = this.#crypto.randomBytes(8);
    const { ntResponse, lmResponse, sessionBaseKey } = ntlmV2Response(
      this.#crypto,
      responseKey,
      challenge.serverChallenge,
      clientChallenge,
      serverTime ?? fileTime(now),
      encodeAvPairs(targetInfo),
    );

    // With NTLMv2 the key exchange key is the session base key ([MS-NLMP] 3.4.5.1 KXKEY).
    const keyExchange = (flags & NtlmFlag.keyExchange) !== 0;
    const exportedSessionKey = keyExchange ? this.#crypto.randomBytes(16) : sessionBaseKey;
    const message = encodeAuthenticateMessage({
      flags,
      // Where the server tells its time, a client of today proves nothing by the weaker response.
      lmResponse: serverTime === undefined ? lmResponse : new Uint8Array(24),
      ntResponse,
      domain,
      user,
      workstation: this.#options.workstation,
      encryptedSessionKey: keyExchange ? rc4(sessionBaseKey, exportedSessionKey) : new Uint8Array(0),
      version: NTLM_VERSION,
      mic: new Uint8Array(MIC_SIZE),
    });
    if (serverTime !== undefined) {
      const signed = concatBytes(this.#negotiateMessage, challengeBytes, message);
      message.set(this.#crypto.hmacMd5(exportedSessionKey, signed), MIC_OFFSET);
    }
    this.#session = new NtlmSession(this.#crypto, flags, exportedSessionKey, 'client');
    return message;
  }

  /** The server's pairs and ours; without the server's there are none, since it would not understand them. */
  #clientTargetInfo(server: AvPairs | undefined, withMic: boolean): AvPairs {
    if (server === undefined) return [];
    const pairs: AvPair[] = server.filter(({ id }) => !CLIENT_PAIRS.has(id));
    const flags = avFlags(server) | (withMic ? AvFlag.micPresent : 0);
    if (flags !== 0) pairs.push(avFlagsPair(flags));
    pairs.push({ id: AvId.channelBindings, value: this.#options.channelBindings ?? new Uint8Array(16) });
    pairs.push({ id: AvId.targetName, value: encodeUtf16le(this.#options.servicePrincipalName) });
    return pairs;
  }
}

/** What we say of ourselves in VERSION: a Windows 10, so that servers take us for a client of that age. */
export const NTLM_VERSION: NtlmVersion = { major: 10, minor: 0, build: 19045, revision: 15 };

const CLIENT_FLAGS =
  (NtlmFlag.unicode |
    NtlmFlag.requestTarget |
    NtlmFlag.sign |
    NtlmFlag.seal |
    NtlmFlag.ntlm |
    NtlmFlag.alwaysSign |
    NtlmFlag.extendedSessionSecurity |
    NtlmFlag.version |
    NtlmFlag.key128 |
    NtlmFlag.keyExchange |
    NtlmFlag.key56) >>>
  0;

/** Pairs of the server's that the client says itself. */
const CLIENT_PAIRS: ReadonlySet<number> = new Set([AvId.flags, AvId.channelBindings, AvId.targetName]);

/** CredSSP cannot do without these ([MS-CSSP] 3.1.5 needs integrity and confidentiality). */
function requireFlags(flags: number): void {
  if ((flags & NtlmFlag.unicode) === 0) {
    throw new DecodeError('invalid_value', 'CHALLENGE_MESSAGE', 'NegotiateFlags', 20, 'Unicode refused');
  }
  const missing = [
    (flags & NtlmFlag.extendedSessionSecurity) === 0 && 'extended session security',
    (flags & NtlmFlag.seal) === 0 && 'sealing',
    (flags & NtlmFlag.key128) === 0 && '128-bit keys',
  ].filter((name) => name !== false);
  if (missing.length > 0) throw new UnsupportedError(`NTLM without ${missing.join(', ')}`);
}
