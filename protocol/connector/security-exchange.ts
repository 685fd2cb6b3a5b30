/**
 * RDP Security Commencement ([MS-RDPBCGR] 1.3.1.1, 2.2.1.10, 5.3.4): the client's random goes to the server under the
 * server's public key, and both ends make their session keys.
 */
import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import type { AutoReconnectCookie } from '../pdu/client-info.ts';
import { EncryptionMethod } from '../pdu/gcc-client-data.ts';
import { EncryptionLevel, type ServerSecurityData } from '../pdu/gcc-server-data.ts';
import { decodeBasicSecurityHeader, SecurityFlags, withSecurityHeader } from '../pdu/security-header.ts';
import { SecuredFrames } from '../security/secured-frames.ts';
import { RANDOM_SIZE, sessionSecurity } from '../security/standard-keys.ts';
import {
  decodeServerCertificate,
  decryptByServer,
  encodeProprietaryCertificate,
  encryptForServer,
  type RsaPrivateKey,
} from './server-certificate.ts';
import type { LegacyServerConfig } from './server-types.ts';
import type { AutoReconnectSecret } from './types.ts';

/** All that exist, strongest last; a server picks one. */
export const ALL_ENCRYPTION_METHODS =
  EncryptionMethod.bits40 | EncryptionMethod.bits56 | EncryptionMethod.bits128 | EncryptionMethod.fips;

export interface SecurityChannels {
  readonly ioChannelId: number;
  readonly messageChannelId?: number;
}

export interface CommencedSecurity {
  /** MCS user data of the Security Exchange PDU, to be sent in the clear. */
  readonly exchange: Uint8Array;
  readonly frames: SecuredFrames;
  readonly clientRandom: Uint8Array;
}

/** Whether the server's choice is one that was offered. Throws `DecodeError` if it is not. */
export function checkServerSecurity(security: ServerSecurityData, offered: number): void {
  const { encryptionMethod: method, encryptionLevel: level } = security;
  const refuse = (field: string, detail: string) => {
    throw new DecodeError('invalid_value', 'TS_UD_SC_SEC1', field, 0, detail);
  };
  if (method === EncryptionMethod.none && level === EncryptionLevel.none) return;
  if ((method & (method - 1)) !== 0 || (method & offered) === 0)
    refuse('encryptionMethod', `${method} was not offered`);
  if (level < EncryptionLevel.low || level > EncryptionLevel.fips) refuse('encryptionLevel', `${level}`);
  if (security.serverRandom?.length !== RANDOM_SIZE) refuse('serverRandomLen', `${security.serverRandom?.length}`);
  if (security.serverCertificate === undefined) refuse('serverCertLen', 'no certificate to encrypt for');
}

/** `undefined`: the server wants no encryption. @param security checked before */
export function commenceSecurity(
  security: ServerSecurityData,
  channels: SecurityChannels,
  crypto: CryptoProvider,
): CommencedSecurity | undefined {
  const { encryptionMethod, encryptionLevel, serverRandom, serverCertificate } = security;
  if (encryptionMethod === EncryptionMethod.none || serverRandom === undefined || serverCertificate === undefined) {
    return undefined;
  }
  const clientRandom = crypto.randomBytes(RANDOM_SIZE);
  const encrypted = encryptForServer(clientRandom, decodeServerCertificate(serverCertificate));
  const keys = sessionSecurity(crypto, encryptionMethod, 'client', clientRandom, serverRandom);
  return {
    exchange: encodeSecurityExchange(encrypted),
    frames: new SecuredFrames(keys, { role: 'client', level: encryptionLevel, ...channels }),
    clientRandom,
  };
}

/** What a server offers: [MS-RDPBCGR] 2.2.1.4.3 as it will be sent, and the key behind the certificate. */
export interface ServerCommencement {
  readonly security: ServerSecurityData & { readonly serverRandom: Uint8Array };
  readonly privateKey: RsaPrivateKey;
}

/** What a server with this policy offers this client; `undefined` where they have no method in common. */
export function offerSecurity(
  legacy: LegacyServerConfig,
  clientMethods: number,
  crypto: CryptoProvider,
): ServerCommencement | undefined {
  const { level, methods, privateKey } = legacy;
  const serverRandom = crypto.randomBytes(RANDOM_SIZE);
  const { none, bits40, bits56, bits128, fips } = EncryptionMethod;
  if (level === EncryptionLevel.none) {
    return { security: { encryptionMethod: none, encryptionLevel: level, serverRandom }, privateKey };
  }
  const common = level === EncryptionLevel.fips ? clientMethods & fips : clientMethods & methods;
  const encryptionMethod = [fips, bits128, bits56, bits40].find((method) => (common & method) !== 0);
  if (encryptionMethod === undefined) return undefined;
  const serverCertificate = encodeProprietaryCertificate(privateKey, crypto);
  return { security: { encryptionMethod, encryptionLevel: level, serverRandom, serverCertificate }, privateKey };
}

/** @param userData of the client's Security Exchange PDU. Throws `DecodeError`. */
export function acceptSecurityExchange(
  userData: Uint8Array,
  { security, privateKey }: ServerCommencement,
  channels: SecurityChannels,
  crypto: CryptoProvider,
): SecuredFrames {
  const clientRandom = decryptByServer(decodeSecurityExchange(userData), privateKey, RANDOM_SIZE);
  const keys = sessionSecurity(crypto, security.encryptionMethod, 'server', clientRandom, security.serverRandom);
  return new SecuredFrames(keys, { role: 'server', level: security.encryptionLevel, ...channels });
}

/** @pdu [MS-RDPBCGR] 2.2.1.10.1 TS_SECURITY_PACKET */
export function encodeSecurityExchange(encryptedClientRandom: Uint8Array): Uint8Array<ArrayBuffer> {
  const flags = SecurityFlags.exchangePacket | SecurityFlags.licenseEncrypt;
  return withSecurityHeader(flags, 4 /* length */ + encryptedClientRandom.length, (cursor) => {
    cursor.u32(encryptedClientRandom.length);
    cursor.bytes(encryptedClientRandom);
  });
}

export function decodeSecurityExchange(userData: Uint8Array): Uint8Array {
  const cursor = new ReadCursor(userData, 'TS_SECURITY_PACKET');
  const { flags } = decodeBasicSecurityHeader(cursor);
  if (!(flags & SecurityFlags.exchangePacket)) {
    throw cursor.error('unexpected_message', 'flags', `0x${flags.toString(16)} instead of a Security Exchange PDU`);
  }
  return cursor.bytes(cursor.u32('length'), 'encryptedClientRandom');
}

/** [MS-RDPBCGR] 5.5: over a connection with encryption of its own the client's random counts as zeros. */
export function autoReconnectCookie(
  crypto: CryptoProvider,
  { logonId, randomBits }: AutoReconnectSecret,
  clientRandom: Uint8Array = new Uint8Array(RANDOM_SIZE),
): AutoReconnectCookie {
  return { logonId, securityVerifier: crypto.hmacMd5(randomBits, clientRandom) };
}
