import { concatBytes, equalBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { encodeUtf8, encodeUtf16le } from '../core/text.ts';
import { md4 } from './md4.ts';
import { NtlmFlag } from './ntlm-messages.ts';
import { Rc4 } from './rc4.ts';

/** [MS-NLMP] 3.3.1 NTOWFv1: the NT hash of a password, 16 bytes. What a server stores; as good as the password. */
export function ntHash(password: string): Uint8Array<ArrayBuffer> {
  return md4(encodeUtf16le(password));
}

/** [MS-NLMP] 3.3.2 NTOWFv2: the NTLMv2 response key, 16 bytes. The user name counts without case, the domain as is. */
export function ntlmV2Key(crypto: CryptoProvider, hash: Uint8Array, user: string, domain: string): Uint8Array {
  return crypto.hmacMd5(hash, encodeUtf16le(upcase(user) + domain));
}

/** What [MS-NLMP] 3.3.2 ComputeResponse returns. */
export interface NtlmV2Response {
  /** [MS-NLMP] 2.2.2.8 NTLMv2_RESPONSE: NTProofStr followed by NTLMv2_CLIENT_CHALLENGE. */
  readonly ntResponse: Uint8Array;
  /** [MS-NLMP] 2.2.2.4 LMv2_RESPONSE. */
  readonly lmResponse: Uint8Array;
  readonly sessionBaseKey: Uint8Array;
}

/**
 * [MS-NLMP] 3.3.2 ComputeResponse, and 2.2.2.7 NTLMv2_CLIENT_CHALLENGE in it.
 *
 * @param responseKey from `ntlmV2Key`
 * @param time FILETIME, 8 bytes
 * @param targetInfo AV_PAIRs with MsvAvEOL
 */
export function ntlmV2Response(
  crypto: CryptoProvider,
  responseKey: Uint8Array,
  serverChallenge: Uint8Array,
  clientChallenge: Uint8Array,
  time: Uint8Array,
  targetInfo: Uint8Array,
): NtlmV2Response {
  const cursor = new WriteCursor(CLIENT_CHALLENGE_HEADER + targetInfo.length + 4);
  cursor.u8(1); // RespType
  cursor.u8(1); // HiRespType
  cursor.zeros(6); // Reserved1, Reserved2
  cursor.bytes(time);
  cursor.bytes(clientChallenge);
  cursor.zeros(4); // Reserved3
  cursor.bytes(targetInfo);
  cursor.zeros(4); // after the server's name, as the formula for `temp` has it
  const clientData = cursor.finish();
  const proof = crypto.hmacMd5(responseKey, concatBytes(serverChallenge, clientData));
  const lmProof = crypto.hmacMd5(responseKey, concatBytes(serverChallenge, clientChallenge));
  return {
    ntResponse: concatBytes(proof, clientData),
    lmResponse: concatBytes(lmProof, clientChallenge),
    sessionBaseKey: crypto.hmacMd5(responseKey, proof),
  };
}

/**
 * A server's check of an NTLMv2 response ([MS-NLMP] 3.2.5.1.2). Returns the session base key, undefined when the
 * response does not prove the key. NTLMv1 responses (24 bytes) never do: NTLMv1 is not supported.
 */
export function verifyNtlmV2Response(
  crypto: CryptoProvider,
  responseKey: Uint8Array,
  serverChallenge: Uint8Array,
  ntResponse: Uint8Array,
): Uint8Array | undefined {
  if (ntResponse.length < PROOF_SIZE + CLIENT_CHALLENGE_HEADER) return undefined;
  const proof = crypto.hmacMd5(responseKey, concatBytes(serverChallenge, ntResponse.subarray(PROOF_SIZE)));
  if (!equalBytes(proof, ntResponse.subarray(0, PROOF_SIZE))) return undefined;
  return crypto.hmacMd5(responseKey, proof);
}

/** The AV_PAIRs within an NTLMv2 response. */
export function targetInfoOfResponse(ntResponse: Uint8Array): Uint8Array {
  return ntResponse.subarray(PROOF_SIZE + CLIENT_CHALLENGE_HEADER);
}

/** [MS-NLMP] 2.2.2.1 MsvAvChannelBindings: MD5 over gss_channel_bindings_struct ([RFC 4121] 4.1.1.2). */
export function channelBindingsHash(crypto: CryptoProvider, applicationData: Uint8Array): Uint8Array {
  const cursor = new WriteCursor(20 + applicationData.length);
  cursor.zeros(16); // no initiator and no acceptor address: type and length of each
  cursor.u32(applicationData.length);
  cursor.bytes(applicationData);
  return crypto.md5(cursor.finish());
}

/** [RFC 5929] 4: the application data for a hash of the server's certificate. */
export function tlsServerEndPoint(certificateHash: Uint8Array): Uint8Array {
  return concatBytes(encodeUtf8('tls-server-end-point:'), certificateHash);
}

/**
 * Signing and sealing with extended session security, [MS-NLMP] 3.4, connection-oriented: each direction has a
 * signing key, a keystream and a sequence number of its own.
 */
export class NtlmSession {
  readonly #crypto: CryptoProvider;
  readonly #keyExchange: boolean;
  readonly #send: Direction;
  readonly #receive: Direction;

  /**
   * @param flags as negotiated: they say how much of the key is used and whether checksums are sealed
   * @param exportedSessionKey 16 bytes
   * @param role which end we are
   */
  constructor(crypto: CryptoProvider, flags: number, exportedSessionKey: Uint8Array, role: 'client' | 'server') {
    this.#crypto = crypto;
    this.#keyExchange = (flags & NtlmFlag.keyExchange) !== 0;
    const client = new Direction(crypto, flags, exportedSessionKey, 'client-to-server');
    const server = new Direction(crypto, flags, exportedSessionKey, 'server-to-client');
    this.#send = role === 'client' ? client : server;
    this.#receive = role === 'client' ? server : client;
  }

  /** GSS_WrapEx: NTLMSSP_MESSAGE_SIGNATURE (16 bytes) followed by the sealed message. */
  seal(message: Uint8Array): Uint8Array<ArrayBuffer> {
    const sealed = this.#send.stream.process(message);
    return concatBytes(this.#signature(this.#send, message), sealed);
  }

  /** GSS_UnwrapEx. Throws `DecodeError` with code `integrity` when the signature is not the peer's. */
  unseal(wrapped: Uint8Array, context: string): Uint8Array<ArrayBuffer> {
    if (wrapped.length < SIGNATURE_SIZE) {
      throw new DecodeError('truncated', context, 'NTLMSSP_MESSAGE_SIGNATURE', 0, `${wrapped.length} bytes`);
    }
    const message = this.#receive.stream.process(wrapped.subarray(SIGNATURE_SIZE));
    this.#verify(wrapped.subarray(0, SIGNATURE_SIZE), message, context);
    return message;
  }

  /** GSS_GetMICEx: the signature alone; SPNEGO's mechListMIC is one. */
  sign(message: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#signature(this.#send, message);
  }

  /** GSS_VerifyMICEx. Throws `DecodeError` with code `integrity`. */
  verify(signature: Uint8Array, message: Uint8Array, context: string): void {
    this.#verify(signature, message, context);
  }

  /**
   * [MS-SPNG] 3.2.5.1 and 3.3.5.1: the mechListMIC and the first message afterwards use the same RC4 key state. The
   * sequence numbers go on.
   */
  restartKeystreams(): void {
    this.#send.restart();
    this.#receive.restart();
  }

  #verify(signature: Uint8Array, message: Uint8Array, context: string): void {
    const expected = this.#signature(this.#receive, message);
    if (!equalBytes(expected, signature)) {
      throw new DecodeError('integrity', context, 'NTLMSSP_MESSAGE_SIGNATURE', 0, 'the signature does not match');
    }
  }

  /** [MS-NLMP] 3.4.4.2 MAC with extended session security, 2.2.2.9.2 NTLMSSP_MESSAGE_SIGNATURE. */
  #signature(direction: Direction, message: Uint8Array): Uint8Array<ArrayBuffer> {
    const sequence = new WriteCursor(4);
    sequence.u32(direction.sequence);
    const sequenceBytes = sequence.finish();
    const mac = this.#crypto.hmacMd5(direction.signKey, concatBytes(sequenceBytes, message)).subarray(0, 8);
    direction.sequence = (direction.sequence + 1) >>> 0;
    const checksum = this.#keyExchange ? direction.stream.process(mac) : mac;
    return concatBytes(Uint8Array.of(1, 0, 0, 0), checksum, sequenceBytes);
  }
}

class Direction {
  readonly signKey: Uint8Array;
  readonly #sealKey: Uint8Array;
  stream: Rc4;
  sequence = 0;

  /** [MS-NLMP] 3.4.5.2 SIGNKEY and 3.4.5.3 SEALKEY. */
  constructor(crypto: CryptoProvider, flags: number, sessionKey: Uint8Array, name: string) {
    const magic = (use: string): Uint8Array => encodeUtf8(`session key to ${name} ${use} key magic constant\0`);
    const strength = (flags & NtlmFlag.key128) !== 0 ? 16 : (flags & NtlmFlag.key56) !== 0 ? 7 : 5;
    this.signKey = crypto.md5(concatBytes(sessionKey, magic('signing')));
    this.#sealKey = crypto.md5(concatBytes(sessionKey.subarray(0, strength), magic('sealing')));
    this.stream = new Rc4(this.#sealKey);
  }

  restart(): void {
    this.stream = new Rc4(this.#sealKey);
  }
}

const PROOF_SIZE = 16;
/** RespType 1, HiRespType 1, Reserved 6, TimeStamp 8, ChallengeFromClient 8, Reserved3 4. */
const CLIENT_CHALLENGE_HEADER = 28;
const SIGNATURE_SIZE = 16;

/**
 * Upper case as Windows does it: each UTF-16 unit by itself, never one to several (`ß` stays). Letters whose upper
 * case Unicode moved into another block (`ı`, `ſ`, `µ`) stay too, as they do in the tables of the NT kernel, and so do those
 * of Georgian, whose upper case is younger than the table of [MS-UCODEREF] 3.1.5.3.
 */
function upcase(text: string): string {
  let upper = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charAt(i);
    const mapped = unit.toUpperCase();
    const crossesAscii = unit.charCodeAt(0) >= 0x80 && mapped.charCodeAt(0) < 0x80;
    const isGeorgian = mapped >= '\u1c90' && mapped <= '\u1cbf';
    upper += mapped.length !== 1 || crossesAscii || isGeorgian || unit === '\u00b5' ? unit : mapped;
  }
  return upper;
}
