/**
 * Standard RDP security at the level of whole frames ([MS-RDPBCGR] 2.2.8.1.1.2, 2.2.8.1.2, 2.2.9.1.2): what the rest of
 * the protocol writes as if there were no encryption is sealed on its way out, and what comes is opened and put into
 * the form that it has with TLS.
 */
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { MAX_FAST_PATH_SIZE, sizeOfFastPathPdu } from '../pdu/fast-path.ts';
import { EncryptionLevel } from '../pdu/gcc-server-data.ts';
import { decodeMcsPdu, type McsPdu, mcsMessage, repackSendData } from '../pdu/mcs-domain.ts';
import { BASIC_SECURITY_HEADER_SIZE, decodeBasicSecurityHeader, SecurityFlags } from '../pdu/security-header.ts';
import { ShareControlType, shareControlMessage } from '../pdu/share.ts';
import { frameKind } from '../pdu/tpkt.ts';
import { decodeX224 } from '../pdu/x224.ts';
import type { SessionSecurity } from './standard-keys.ts';

export interface SecuredFramesOptions {
  readonly role: 'client' | 'server';
  /** `EncryptionLevel`, not `none`. With `low` the server sends in the clear. */
  readonly level: number;
  readonly ioChannelId: number;
  /** Every PDU on it begins with a security header of its own. */
  readonly messageChannelId?: number;
}

/** Frames have to pass in the order in which they are on the wire: each moves the keys on. */
export class SecuredFrames {
  readonly #security: SessionSecurity;
  readonly #options: SecuredFramesOptions;
  #saltedMac = false;
  #encryptsLicensing = false;

  constructor(security: SessionSecurity, options: SecuredFramesOptions) {
    this.#security = security;
    this.#options = options;
  }

  /** Both ends have `ENC_SALTED_CHECKSUM` among their general capabilities: sign with the packet's number from now on. */
  useSaltedMac(): void {
    this.#saltedMac = true;
  }

  /** A frame of ours, as it goes onto the wire. */
  seal(frame: Uint8Array): Uint8Array {
    if (frameKind(frame[0] ?? 0) === 'fast-path') return this.#sealFastPath(frame);
    const pdu = sendDataOf(frame);
    return pdu === undefined ? frame : mcsMessage({ ...pdu, userData: this.#sealUserData(pdu) });
  }

  /**
   * A frame of the peer's, as it would be with TLS. Throws `DecodeError` when it is damaged, or in the clear where that is
   * not allowed.
   */
  open(frame: Uint8Array): Uint8Array {
    if (frameKind(frame[0] ?? 0) === 'fast-path') return this.#openFastPath(frame);
    const pdu = sendDataOf(frame);
    if (pdu === undefined || pdu.userData.length === 0) return frame;
    return repackSendData(pdu, this.#openUserData(pdu));
  }

  get #sealsAll(): boolean {
    return this.#options.role === 'client' || this.#options.level > EncryptionLevel.low;
  }

  get #opensAll(): boolean {
    return this.#options.role === 'server' || this.#options.level > EncryptionLevel.low;
  }

  #sealUserData({ channelId, userData }: SendData): Uint8Array {
    // Encrypted even where the server sends all else in the clear ([MS-RDPBCGR] 2.2.13.2.1).
    if (channelId === this.#options.ioChannelId && carriesRedirection(userData)) return this.#sealRedirection(userData);
    const own = this.#hasOwnHeader(channelId, userData);
    const { flags } = own ? decodeBasicSecurityHeader(new ReadCursor(userData, 'TS_SECURITY_HEADER')) : { flags: 0 };
    // Licensing is in the clear unless the server asks for more: it has an encryption of its own.
    const isLicensing = (flags & SecurityFlags.licensePacket) !== 0;
    const inClear = !this.#sealsAll || (isLicensing && !this.#encryptsLicensing);
    if (inClear) return own ? userData : concatBytes(securityHeader(0), userData);
    const plain = own ? userData.subarray(BASIC_SECURITY_HEADER_SIZE) : userData;
    const { prefix, data } = this.#security.sealer.seal(plain, this.#saltedMac);
    const licensing = isLicensing ? SecurityFlags.licenseEncrypt : 0;
    const salted = this.#saltedMac ? SecurityFlags.secureChecksum : 0;
    return concatBytes(securityHeader(flags | licensing | salted | SecurityFlags.encrypt), prefix, data);
  }

  /** [MS-RDPBCGR] 2.2.13.3.1 in the form of 2.2.13.2.1: SEC_REDIRECTION_PKT alone says that it is encrypted. */
  #sealRedirection(userData: Uint8Array): Uint8Array {
    const { prefix, data } = this.#security.sealer.seal(userData.subarray(REDIRECTION_OFFSET), this.#saltedMac);
    const salted = this.#saltedMac ? SecurityFlags.secureChecksum : 0;
    return concatBytes(securityHeader(SecurityFlags.redirectionPacket | salted), prefix, data);
  }

  #openUserData({ channelId, userData }: SendData): Uint8Array {
    const cursor = new ReadCursor(userData, 'TS_SECURITY_HEADER');
    const { flags } = decodeBasicSecurityHeader(cursor);
    const isLicensing = (flags & SecurityFlags.licensePacket) !== 0;
    if (isLicensing && flags & SecurityFlags.licenseEncrypt) this.#encryptsLicensing = true;
    const isRedirection = channelId === this.#options.ioChannelId && (flags & SecurityFlags.redirectionPacket) !== 0;
    let plain = cursor.rest();
    // Windows leaves SEC_ENCRYPT out of redirections: their own flag implies it ([MS-RDPBCGR] 2.2.8.1.1.2.1, 4.5).
    if (flags & SecurityFlags.encrypt || isRedirection) {
      plain = this.#security.opener.open(plain, (flags & SecurityFlags.secureChecksum) !== 0);
    } else if (this.#opensAll && !isLicensing && !this.#mayBeClear(channelId)) {
      throw new DecodeError(
        'integrity',
        'TS_SECURITY_HEADER',
        'flags',
        0,
        'in the clear, though encryption was agreed',
      );
    }
    if (isRedirection) return enhancedRedirection(plain);
    if ((flags & WITH_OWN_HEADER) === 0) return plain;
    return concatBytes(securityHeader(flags & ~PROTECTION), plain);
  }

  /** What servers ask on the message channel may be in the clear at every level; what clients answer may not. */
  #mayBeClear(channelId: number): boolean {
    return this.#options.role === 'client' && channelId === this.#options.messageChannelId;
  }

  /** On the I/O channel: Share Control Headers have a type where security headers have `flagsHi`, which is unused. */
  #hasOwnHeader(channelId: number, userData: Uint8Array): boolean {
    if (channelId === this.#options.messageChannelId) return true;
    return channelId === this.#options.ioChannelId && userData[2] === 0 && userData[3] === 0;
  }

  #sealFastPath(frame: Uint8Array): Uint8Array {
    if (!this.#sealsAll) return frame;
    const { first, body } = splitFastPath(frame);
    const { prefix, data } = this.#security.sealer.seal(body, this.#saltedMac);
    const flags = FastPathFlag.encrypted | (this.#saltedMac ? FastPathFlag.secureChecksum : 0);
    return joinFastPath(first | flags, concatBytes(prefix, data));
  }

  #openFastPath(frame: Uint8Array): Uint8Array {
    const { first, body } = splitFastPath(frame);
    if (first & FastPathFlag.encrypted) {
      const plain = this.#security.opener.open(body, (first & FastPathFlag.secureChecksum) !== 0);
      return joinFastPath(first & ~(FastPathFlag.encrypted | FastPathFlag.secureChecksum), plain);
    }
    if (!this.#opensAll) return frame;
    throw new DecodeError('integrity', 'fast-path PDU', 'flags', 0, 'in the clear, though encryption was agreed');
  }
}

type SendData = Extract<McsPdu, { readonly userData: Uint8Array }>;

/** [MS-RDPBCGR] 2.2.8.1.2 fpInputHeader and 2.2.9.1.2 fpOutputHeader: the upper two bits. */
const FastPathFlag = { secureChecksum: 0x40, encrypted: 0x80 } as const;

/** PDUs that keep their security header with TLS, too. */
const WITH_OWN_HEADER =
  SecurityFlags.exchangePacket |
  SecurityFlags.transportRequest |
  SecurityFlags.transportResponse |
  SecurityFlags.infoPacket |
  SecurityFlags.licensePacket |
  SecurityFlags.autoDetectRequest |
  SecurityFlags.autoDetectResponse |
  SecurityFlags.heartbeat;

const PROTECTION = SecurityFlags.encrypt | SecurityFlags.secureChecksum | SecurityFlags.licenseEncrypt;

function sendDataOf(frame: Uint8Array): SendData | undefined {
  const message = decodeX224(frame);
  if (message.kind !== 'data') return undefined;
  const pdu = decodeMcsPdu(message.cursor);
  return 'userData' in pdu ? pdu : undefined;
}

function securityHeader(flags: number): Uint8Array {
  return Uint8Array.of(flags & 0xff, flags >>> 8, 0, 0);
}

/** Share Control Header and two bytes of padding. */
const REDIRECTION_OFFSET = 8;

function carriesRedirection(userData: Uint8Array): boolean {
  return ((userData[2] ?? 0) & 0x0f) === ShareControlType.serverRedirect && userData.length > REDIRECTION_OFFSET;
}

/** [MS-RDPBCGR] 2.2.13.2.1 in the form of 2.2.13.3.1. */
function enhancedRedirection(packet: Uint8Array): Uint8Array {
  return shareControlMessage(ShareControlType.serverRedirect, 0, concatBytes(new Uint8Array(2), packet));
}

function splitFastPath(frame: Uint8Array): { first: number; body: Uint8Array } {
  const cursor = new ReadCursor(frame, 'fast-path PDU');
  const first = cursor.u8('fpHeader');
  if (cursor.u8('length1') & 0x80) cursor.skip(1, 'length2');
  return { first, body: cursor.rest() };
}

function joinFastPath(first: number, body: Uint8Array): Uint8Array {
  const size = sizeOfFastPathPdu(body.length);
  if (size > MAX_FAST_PATH_SIZE) throw new UsageError(`fast-path PDU of ${size} bytes is too long`);
  const cursor = new WriteCursor(size);
  cursor.u8(first);
  if (size < 0x80) cursor.u8(size);
  else cursor.u16Be(size | 0x8000);
  cursor.bytes(body);
  return cursor.finish();
}
