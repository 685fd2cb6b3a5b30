/**
 * Server certificates as standard RDP security and licensing carry them ([MS-RDPBCGR] 2.2.1.4.3.1): proprietary, or
 * a chain of X.509 certificates. Only the public key is taken. Who signed it is not checked: proprietary certificates
 * are signed with a key that is printed in the specification, and licensing mostly happens within TLS.
 */
import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
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
  const power = powerModulo(littleEndian(message), key.exponent, key.modulus);
  return toLittleEndian(power, key.size + MODULUS_PADDING);
}

/** A server's own key, for standard RDP security. */
export interface RsaPrivateKey extends RsaPublicKey {
  readonly privateExponent: bigint;
}

/** The reverse of `encryptForServer`. @param size of the message. Throws `DecodeError` when it holds more. */
export function decryptByServer(encrypted: Uint8Array, key: RsaPrivateKey, size: number): Uint8Array<ArrayBuffer> {
  const cursor = new ReadCursor(encrypted, 'TS_SECURITY_PACKET');
  if (encrypted.length > key.size + MODULUS_PADDING) {
    throw cursor.error('limit_exceeded', 'encryptedClientRandom', `${encrypted.length} bytes`);
  }
  let power = powerModulo(littleEndian(encrypted), key.privateExponent, key.modulus);
  const message = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    message[i] = Number(power & 0xffn);
    power >>= 8n;
  }
  if (power !== 0n) throw cursor.error('integrity', 'encryptedClientRandom', 'not encrypted for this server');
  return message;
}

/**
 * A proprietary certificate for a server's key, signed as every one is: with the key that the specification prints
 * ([MS-RDPBCGR] 2.2.1.4.3.1.1, 5.3.3.1.1), so that the signature says nothing, but old clients want it.
 */
export function encodeProprietaryCertificate(key: RsaPublicKey, crypto: CryptoProvider): Uint8Array<ArrayBuffer> {
  const blobSize = 20 /* magic, keylen, bitlen, datalen, pubExp */ + key.size + MODULUS_PADDING;
  const signedSize = 16 /* version, algorithms, blob type and length */ + blobSize;
  const signatureSize = SIGNING_KEY.size + MODULUS_PADDING;
  const signed = new WriteCursor(signedSize);
  signed.u32(VERSION_PROPRIETARY);
  signed.u32(1); // SIGNATURE_ALG_RSA
  signed.u32(1); // KEY_EXCHANGE_ALG_RSA
  signed.u16(6); // BB_RSA_KEY_BLOB
  signed.u16(blobSize);
  signed.u32(RSA_MAGIC);
  signed.u32(key.size + MODULUS_PADDING);
  signed.u32(key.size * 8);
  signed.u32(key.size - 1);
  signed.u32(Number(key.exponent));
  signed.bytes(toLittleEndian(key.modulus, key.size + MODULUS_PADDING));
  const body = signed.finish();
  const cursor = new WriteCursor(signedSize + 4 /* type and length */ + signatureSize);
  cursor.bytes(body);
  cursor.u16(8); // BB_RSA_SIGNATURE_BLOB
  cursor.u16(signatureSize);
  const digest = new Uint8Array(SIGNING_KEY.size - 1).fill(0xff);
  digest.set(crypto.md5(body));
  digest[16] = 0;
  digest[62] = 1;
  const signature = powerModulo(littleEndian(digest), SIGNING_KEY.privateExponent, SIGNING_KEY.modulus);
  cursor.bytes(toLittleEndian(signature, signatureSize));
  return cursor.finish();
}

/** [MS-RDPBCGR] 5.3.3.1.1 Terminal Services Signing Key: public knowledge in both halves. */
const SIGNING_KEY: RsaPrivateKey = {
  modulus:
    0x87ea6d055f099320bb61f51a09065e6c7d5cf63dfebfe77ceffe3a586b6563ce954552f29a6bb7d7e2c1f5ef8720883ecb5fba4a1ec1bb4dc93e4372bd5e3a3dn,
  exponent: 0xc0887b5bn,
  privateExponent:
    0x5ff33fe7130110c7b39b510b17790735dd0d7b0ab83ac79924b1dd249f129a176008e89933cc92cf944967e9fae63e24f868652516160058558711da3219a787n,
  size: 64,
};

/** [MS-RDPBCGR] 2.2.1.4.3.1.1 PROPRIETARYSERVERCERTIFICATE, 2.2.1.4.3.1.1.1 RSA_PUBLIC_KEY; [MS-RDPELE] 2.2.1.4.3. */
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

/** [MS-RDPELE] 2.2.1.4.2, a chain of 2.2.1.4.2.1 CERT_BLOBs. */
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

/** @param size of the result, zeros behind the value */
function toLittleEndian(value: bigint, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let rest = value;
  for (let i = 0; rest > 0n; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
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
