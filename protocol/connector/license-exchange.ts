/**
 * The client's side of licensing ([MS-RDPELE] 1.3, 3.1): let in by an error alert, or through a licence request, a
 * platform challenge and a new licence. Licences are not kept: a server that hands them out finds the same hardware
 * id each time, and gives the one that it has on file.
 */
import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { encodeUtf8 } from '../core/text.ts';
import {
  decodeLicenseMessage,
  encodeLicenseMessage,
  type LicenseErrorAlert,
  LicenseErrorCode,
  type LicenseRequest,
  LicenseStateTransition,
  type NewLicense,
  type PlatformChallenge,
  type SentLicenseMessage,
  sizeOfLicenseMessage,
} from '../pdu/licensing.ts';
import { decodeBasicSecurityHeader, SecurityFlags, withSecurityHeader } from '../pdu/security-header.ts';
import { ConnectError } from './connect-error.ts';
import { LicenseKeys } from './license-keys.ts';
import { decodeServerCertificate, encryptForServer } from './server-certificate.ts';

export interface LicenseStep {
  /** MCS user data, security header included. */
  readonly send?: Uint8Array;
  /** The phase is over; capabilities come next. */
  readonly done: boolean;
}

export interface LicenseClient {
  readonly userName: string;
  readonly machineName: string;
  /** 16 bytes: the same hardware gets the same licence. Made of `machineName` unless given. */
  readonly hardwareId?: Uint8Array;
  /** The certificate of the server's security data, for a request that has none of its own. */
  readonly serverCertificate?: Uint8Array;
}

/** What follows the security header of MCS user data in this phase. */
export function licenseBody(userData: Uint8Array): Uint8Array {
  const header = new ReadCursor(userData, 'TS_SECURITY_HEADER');
  const { flags } = decodeBasicSecurityHeader(header);
  if (flags & SecurityFlags.licensePacket) return header.rest();
  throw header.error('unexpected_message', 'flags', `0x${flags.toString(16)} in licensing`);
}

export class LicenseExchange {
  readonly #client: LicenseClient;
  readonly #crypto: CryptoProvider;
  #keys: LicenseKeys | undefined;
  #lastSent: Uint8Array | undefined;

  constructor(client: LicenseClient, crypto: CryptoProvider) {
    this.#client = client;
    this.#crypto = crypto;
  }

  /**
   * @param body what follows the security header
   * @throws ConnectError with `licensing_failed` when the server refuses, DecodeError when it breaks the protocol
   */
  receive(body: Uint8Array): LicenseStep {
    const message = decodeLicenseMessage(new ReadCursor(body, 'LICENSE_PREAMBLE'));
    switch (message.kind) {
      case 'errorAlert':
        return this.#alerted(message);
      case 'licenseRequest':
        return this.#answer(this.#request(message));
      case 'platformChallenge':
        return this.#answer(this.#respond(message));
      case 'newLicense':
        this.#check(message);
        return { done: true };
      default:
        throw new ConnectError('licensing_failed', `the server sent a ${message.kind} licence message`);
    }
  }

  #answer(userData: Uint8Array): LicenseStep {
    this.#lastSent = userData;
    return { done: false, send: userData };
  }

  /** [MS-RDPELE] 3.1.5.3: what the state transition says counts, but for a client that is found valid. */
  #alerted(alert: LicenseErrorAlert): LicenseStep {
    const { errorCode, stateTransition } = alert;
    const { noTransition, resetPhaseToStart, resendLastMessage } = LicenseStateTransition;
    if (errorCode === LicenseErrorCode.validClient || stateTransition === noTransition) return { done: true };
    if (stateTransition === resetPhaseToStart) {
      this.#keys = undefined;
      return { done: false };
    }
    if (stateTransition === resendLastMessage && this.#lastSent !== undefined) return this.#answer(this.#lastSent);
    const name = Object.entries(LicenseErrorCode).find(([, code]) => code === errorCode)?.[0] ?? `code ${errorCode}`;
    throw new ConnectError('licensing_failed', `the server refused a licence: ${name}`);
  }

  #request(request: LicenseRequest): Uint8Array {
    const certificate =
      request.serverCertificate.length > 0 ? request.serverCertificate : this.#client.serverCertificate;
    if (certificate === undefined) {
      throw new ConnectError('licensing_failed', 'the server asks for a licence without a certificate to encrypt for');
    }
    const premaster = this.#crypto.randomBytes(PREMASTER_SIZE);
    const clientRandom = this.#crypto.randomBytes(RANDOM_SIZE);
    this.#keys = new LicenseKeys(this.#crypto, premaster, clientRandom, request.serverRandom);
    return licenseUserData({
      kind: 'newLicenseRequest',
      keyExchangeAlgorithm: KEY_EXCHANGE_RSA,
      platformId: PLATFORM_ID,
      clientRandom,
      encryptedPremasterSecret: encryptForServer(premaster, decodeServerCertificate(certificate)),
      userName: this.#client.userName,
      machineName: this.#client.machineName,
    });
  }

  #respond(challenge: PlatformChallenge): Uint8Array {
    const keys = this.#needKeys('platform challenge');
    const plain = keys.crypt(challenge.encryptedChallenge);
    keys.verify(challenge.mac, plain, 'SERVER_PLATFORM_CHALLENGE');
    const response = challengeResponse(plain);
    const hardwareId = this.#hardwareId();
    return licenseUserData({
      kind: 'platformChallengeResponse',
      encryptedResponse: keys.crypt(response),
      encryptedHardwareId: keys.crypt(hardwareId),
      mac: keys.mac(concatBytes(response, hardwareId)),
    });
  }

  #check(license: NewLicense): void {
    const keys = this.#needKeys('licence');
    keys.verify(license.mac, keys.crypt(license.encryptedLicense), 'SERVER_NEW_LICENSE');
  }

  #needKeys(what: string): LicenseKeys {
    if (this.#keys === undefined) {
      throw new ConnectError('licensing_failed', `the server sent a ${what} before its licence request`);
    }
    return this.#keys;
  }

  /** [MS-RDPELE] 2.2.2.3.1 CLIENT_HARDWARE_IDENTIFICATION. */
  #hardwareId(): Uint8Array {
    const { hardwareId, machineName } = this.#client;
    const cursor = new WriteCursor(20);
    cursor.u32(PLATFORM_ID);
    cursor.bytes(hardwareId ?? this.#crypto.md5(encodeUtf8(machineName)));
    return cursor.finish();
  }
}

const PREMASTER_SIZE = 48;
const RANDOM_SIZE = 32;
/** KEY_EXCHANGE_ALG_RSA. */
const KEY_EXCHANGE_RSA = 1;
/** CLIENT_OS_ID_WINNT_POST_52 and CLIENT_IMAGE_ID_MICROSOFT. */
const PLATFORM_ID = 0x04010000;
/** [MS-RDPELE] 2.2.2.5.1: wVersion, wClientType OTHER_PLATFORM_CLIENT_TYPE, wLicenseDetailLevel DETAIL. */
const RESPONSE_VERSION = 0x0100;
const CLIENT_TYPE_OTHER = 0xff00;
const LICENSE_DETAIL = 0x0003;

/** [MS-RDPELE] 2.2.2.5.1 PLATFORM_CHALLENGE_RESPONSE_DATA. */
function challengeResponse(challenge: Uint8Array): Uint8Array {
  const cursor = new WriteCursor(8 + challenge.length);
  cursor.u16(RESPONSE_VERSION);
  cursor.u16(CLIENT_TYPE_OTHER);
  cursor.u16(LICENSE_DETAIL);
  cursor.u16(challenge.length);
  cursor.bytes(challenge);
  return cursor.finish();
}

/** MCS user data: a licensing message behind its security header. */
export function licenseUserData(message: SentLicenseMessage): Uint8Array<ArrayBuffer> {
  const size = sizeOfLicenseMessage(message);
  return withSecurityHeader(SecurityFlags.licensePacket, size, (cursor) => encodeLicenseMessage(message, cursor));
}
