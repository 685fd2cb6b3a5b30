/**
 * Server certificates as standard RDP security and licensing carry them ([MS-RDPBCGR] 2.2.1.4.3.1): proprietary, or
 * a chain of X.509 certificates. Only the public key is taken. Who signed it is not checked: proprietary certificates
 * are signed with a key that is printed in the specification, and licensing happens within TLS.
 */
import { ReadCursor } from '../core/cursor.ts';
import { subjectPublicKeyOf } from '../security/certificate.ts';
import { DerTag, readElement, readInteger } from '../security/der.ts';

export interface RsaPublicKey {
  readonly modulus: bigint;
  readonly exponent: bigint;
  /** Bytes of the modulus. */
  readonly size: number;
}

/** dwVersion: the low 31 bits; the top one marks a temporary certificate. */
const VERSION_MASK = 0x7fffffff;
const VERSION_PROPRIETARY = 1;
const VERSION_X509 = 2;

/** "RSA1" */
const RSA_MAGIC = 0x31415352;
/** RSA_PUBLIC_KEY keylen counts this much zero padding behind the modulus. */
const MODULUS_PADDING = 8;

/** 4096 bits. Bounds the work of an encryption. */
const MAX_MODULUS_SIZE = 512;
/** More than any chain of a licence server has. */
const MAX_CHAIN = 16;

/** @pdu SERVER_CERTIFICATE, PROPRIETARYSERVERCERTIFICATE, X509 Certificate Chain */
export function decodeServerCertificate(bytes: Uint8Array): RsaPublicKey {
  const cursor = new ReadCursor(bytes, 'SERVER_CERTIFICATE');
  const version = cursor.u32('dwVersion') & VERSION_MASK;
  if (version === VERSION_PROPRIETARY) return decodeProprietary(cursor);
  if (version === VERSION_X509) return decodeChain(cursor);
  throw cursor.error('invalid_value', 'dwVersion', `${version}`);
}

/**
 * RSA as [MS-RDPBCGR] 5.3.4.1 and [MS-RDPELE] 2.2.2.2 have it: no padding scheme, little-endian, the result as long as
 * the modulus and eight zero bytes.
 */
export function encryptForServer(message: Uint8Array, key: RsaPublicKey): Uint8Array<ArrayBuffer> {
  let power = powerModulo(littleEndian(message), key.exponent, key.modulus);
  const encrypted = new Uint8Array(key.size + MODULUS_PADDING);
  for (let i = 0; i < key.size; i++) {
    encrypted[i] = Number(power & 0xffn);
    power >>= 8n;
  }
  return encrypted;
}

function decodeProprietary(cursor: ReadCursor): RsaPublicKey {
  cursor.skip(4, 'dwSigAlgId');
  cursor.skip(4, 'dwKeyAlgId');
  cursor.skip(2, 'wPublicKeyBlobType');
  const blob = cursor.sub(cursor.u16('wPublicKeyBlobLen'), 'PublicKeyBlob', 'RSA_PUBLIC_KEY');
  const magic = blob.u32('magic');
  if (magic !== RSA_MAGIC) throw blob.error('invalid_value', 'magic', `0x${magic.toString(16)}`);
  const size = blob.u32('keylen') - MODULUS_PADDING;
  blob.skip(8, 'bitlen'); // and datalen
  const exponent = BigInt(blob.u32('pubExp'));
  checkSize(size, blob);
  return checkKey({ modulus: littleEndian(blob.bytes(size, 'modulus')), exponent, size }, blob);
}

function decodeChain(cursor: ReadCursor): RsaPublicKey {
  const count = cursor.u32('NumCertBlobs');
  if (count < 1 || count > MAX_CHAIN) throw cursor.error('limit_exceeded', 'NumCertBlobs', `${count} certificates`);
  let own: Uint8Array = new Uint8Array(0);
  // From the root down; the server's own comes last.
  for (let i = 0; i < count; i++) own = cursor.bytes(cursor.u32('cbCert'), 'abCert');
  const key = new ReadCursor(subjectPublicKeyOf(own), 'RSAPublicKey');
  const fields = readElement(key, DerTag.sequence, 'RSAPublicKey');
  const modulusBytes = readElement(fields, DerTag.integer, 'modulus').rest();
  const exponent = BigInt(readInteger(fields, 'publicExponent'));
  // A DER INTEGER has a leading zero where the top bit is set.
  const size = modulusBytes[0] === 0 ? modulusBytes.length - 1 : modulusBytes.length;
  checkSize(size, fields);
  return checkKey({ modulus: littleEndian(modulusBytes.toReversed()), exponent, size }, fields);
}

function checkSize(size: number, cursor: ReadCursor): void {
  if (size < 1 || size > MAX_MODULUS_SIZE) throw cursor.error('limit_exceeded', 'modulus', `${size} bytes`);
}

function checkKey(key: RsaPublicKey, cursor: ReadCursor): RsaPublicKey {
  if (key.modulus <= 1n) throw cursor.error('invalid_value', 'modulus', 'zero or one');
  return key;
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}

/** Not in constant time: the exponent is public, and each message is used once. */
function powerModulo(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
