/**
 * Session keys and packet protection of standard RDP security ([MS-RDPBCGR] 5.3.5 to 5.3.7). Weak by today's measure
 * in every variant: for servers that have nothing better, and only where the target's setting allows it.
 */
import { concatBytes, equalBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { encodeUtf8 } from '../core/text.ts';
import { EncryptionMethod } from '../pdu/gcc-client-data.ts';
import { Rc4 } from './rc4.ts';

/** Protects one direction's packets, in order. */
export interface PacketSealer {
  /** What stands between the security header's flags and the data: FIPS information, signature. */
  readonly prefixSize: number;
  /** @param salted with a MAC that counts packets; FIPS always counts */
  seal(plain: Uint8Array, salted: boolean): { readonly prefix: Uint8Array; readonly data: Uint8Array };
}

export interface PacketOpener {
  /** @param sealed prefix and data. Throws `DecodeError` with `integrity` when the signature is not right. */
  open(sealed: Uint8Array, salted: boolean): Uint8Array;
}

export interface SessionSecurity {
  readonly sealer: PacketSealer;
  readonly opener: PacketOpener;
}

/** [MS-RDPBCGR] 5.3.4: both randoms have 32 bytes. */
export const RANDOM_SIZE = 32;

/**
 * @param method one of `EncryptionMethod`, not `none`
 * @param role whose keys: the client's sealing key is the server's opening key
 */
export function sessionSecurity(
  crypto: CryptoProvider,
  method: number,
  role: 'client' | 'server',
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): SessionSecurity {
  if (method === EncryptionMethod.fips) return fipsSecurity(crypto, role, clientRandom, serverRandom);
  const { macKey, clientKey, serverKey } = rc4Keys(crypto, method, clientRandom, serverRandom);
  const [sealing, opening] = role === 'client' ? [clientKey, serverKey] : [serverKey, clientKey];
  return {
    sealer: new Rc4Sealer(new Rc4Direction(crypto, method, macKey, sealing)),
    opener: new Rc4Opener(new Rc4Direction(crypto, method, macKey, opening)),
  };
}

/** [MS-RDPBCGR] 5.3.5.1: named for who encrypts with them. */
export interface Rc4Keys {
  readonly macKey: Uint8Array;
  readonly clientKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

export function rc4Keys(
  crypto: CryptoProvider,
  method: number,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Rc4Keys {
  const premaster = concatBytes(clientRandom.subarray(0, 24), serverRandom.subarray(0, 24));
  const master = saltedHashes(crypto, premaster, ['A', 'BB', 'CCC'], clientRandom, serverRandom);
  const blob = saltedHashes(crypto, master, ['X', 'YY', 'ZZZ'], clientRandom, serverRandom);
  const finalHash = (key: Uint8Array) => crypto.md5(concatBytes(key, clientRandom, serverRandom));
  return {
    macKey: weaken(blob.slice(0, 16), method),
    serverKey: weaken(finalHash(blob.subarray(16, 32)), method),
    clientKey: weaken(finalHash(blob.subarray(32, 48)), method),
  };
}

/** [MS-RDPBCGR] 5.3.7.1: the key for the next 4096 packets. */
export function updatedRc4Key(
  crypto: CryptoProvider,
  method: number,
  initial: Uint8Array,
  current: Uint8Array,
): Uint8Array {
  const inner = crypto.sha1(concatBytes(initial, PAD_1, current));
  const temporary = crypto.md5(concatBytes(initial, PAD_2, inner)).slice(0, initial.length);
  return weaken(new Rc4(temporary).process(temporary), method);
}

/** [MS-RDPBCGR] 5.3.5.2: 24 bytes for each direction, 20 for the MAC. */
export interface FipsKeys {
  readonly macKey: Uint8Array;
  readonly clientKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

export function fipsKeys(crypto: CryptoProvider, clientRandom: Uint8Array, serverRandom: Uint8Array): FipsKeys {
  const client = crypto.sha1(concatBytes(clientRandom.subarray(16), serverRandom.subarray(16)));
  const server = crypto.sha1(concatBytes(clientRandom.subarray(0, 16), serverRandom.subarray(0, 16)));
  return {
    macKey: crypto.sha1(concatBytes(server, client)),
    clientKey: spreadDesKey(client),
    serverKey: spreadDesKey(server),
  };
}

const PAD_1 = new Uint8Array(40).fill(0x36);
const PAD_2 = new Uint8Array(48).fill(0x5c);

const SIGNATURE_SIZE = 8;
/** [MS-RDPBCGR] 5.3.7: packets before the key changes. */
const PACKETS_PER_KEY = 4096;

/** [MS-RDPBCGR] 5.3.5.1: what stands at the front of a shortened key. */
const SALT_40 = Uint8Array.of(0xd1, 0x26, 0x9e);
const SALT_56 = Uint8Array.of(0xd1);

/** [MS-RDPBCGR] 5.3.6.2. */
const FIPS_IV = Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0x90, 0xab, 0xcd, 0xef);
const DES_BLOCK = 8;
/** length, version, padlen, signature. */
const FIPS_PREFIX_SIZE = 12;
const FIPS_HEADER_LENGTH = 0x10;
const FIPS_VERSION = 1;

function saltedHashes(
  crypto: CryptoProvider,
  secret: Uint8Array,
  inputs: readonly string[],
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Uint8Array {
  const hash = (input: string) =>
    crypto.md5(concatBytes(secret, crypto.sha1(concatBytes(encodeUtf8(input), secret, clientRandom, serverRandom))));
  return concatBytes(...inputs.map(hash));
}

/** Cuts a 128-bit key to what the method allows. Returns a new array. */
function weaken(key: Uint8Array, method: number): Uint8Array {
  if (method === EncryptionMethod.bits128) return key.slice(0, 16);
  const short = key.slice(0, 8);
  short.set(method === EncryptionMethod.bits56 ? SALT_56 : SALT_40);
  return short;
}

/** One direction of an RC4 connection: its keystream, its packet count, its MAC. */
class Rc4Direction {
  readonly #crypto: CryptoProvider;
  readonly #method: number;
  readonly #macKey: Uint8Array;
  readonly #initial: Uint8Array;
  #key: Uint8Array;
  #stream: Rc4;
  #packets = 0;

  constructor(crypto: CryptoProvider, method: number, macKey: Uint8Array, key: Uint8Array) {
    this.#crypto = crypto;
    this.#method = method;
    this.#macKey = macKey;
    this.#initial = key;
    this.#key = key;
    this.#stream = new Rc4(key);
  }

  /** Packets so far. */
  get packets(): number {
    return this.#packets;
  }

  process(data: Uint8Array): Uint8Array {
    if (this.#packets > 0 && this.#packets % PACKETS_PER_KEY === 0) {
      this.#key = updatedRc4Key(this.#crypto, this.#method, this.#initial, this.#key);
      this.#stream = new Rc4(this.#key);
    }
    this.#packets++;
    return this.#stream.process(data);
  }

  /** [MS-RDPBCGR] 5.3.6.1 and, with a packet's number, 5.3.6.1.1. */
  signature(plain: Uint8Array, packet: number | undefined): Uint8Array {
    const count = packet === undefined ? new Uint8Array(0) : u32(packet);
    const inner = this.#crypto.sha1(concatBytes(this.#macKey, PAD_1, u32(plain.length), plain, count));
    return this.#crypto.md5(concatBytes(this.#macKey, PAD_2, inner)).subarray(0, SIGNATURE_SIZE);
  }
}

/** [MS-RDPBCGR] 2.2.8.1.1.2.2 TS_SECURITY_HEADER1, behind the basic header. */
class Rc4Sealer implements PacketSealer {
  readonly prefixSize = SIGNATURE_SIZE;
  readonly #direction: Rc4Direction;

  constructor(direction: Rc4Direction) {
    this.#direction = direction;
  }

  seal(plain: Uint8Array, salted: boolean): { prefix: Uint8Array; data: Uint8Array } {
    const prefix = this.#direction.signature(plain, salted ? this.#direction.packets : undefined);
    return { prefix, data: this.#direction.process(plain) };
  }
}

class Rc4Opener implements PacketOpener {
  readonly #direction: Rc4Direction;

  constructor(direction: Rc4Direction) {
    this.#direction = direction;
  }

  open(sealed: Uint8Array, salted: boolean): Uint8Array {
    const cursor = new ReadCursor(sealed, 'TS_SECURITY_HEADER1');
    const signature = cursor.bytes(SIGNATURE_SIZE, 'dataSignature');
    const packet = salted ? this.#direction.packets : undefined;
    const plain = this.#direction.process(cursor.rest());
    checkSignature(signature, this.#direction.signature(plain, packet), 'TS_SECURITY_HEADER1');
    return plain;
  }
}

function fipsSecurity(
  crypto: CryptoProvider,
  role: 'client' | 'server',
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): SessionSecurity {
  const { macKey, clientKey, serverKey } = fipsKeys(crypto, clientRandom, serverRandom);
  const [sealing, opening] = role === 'client' ? [clientKey, serverKey] : [serverKey, clientKey];
  return { sealer: new FipsSealer(crypto, macKey, sealing), opener: new FipsOpener(crypto, macKey, opening) };
}

/** [MS-RDPBCGR] 2.2.8.1.1.2.3 TS_SECURITY_HEADER2, behind the basic header; 2.2.8.1.2.1 TS_FP_FIPS_INFO. */
class FipsSealer implements PacketSealer {
  readonly prefixSize = FIPS_PREFIX_SIZE;
  readonly #crypto: CryptoProvider;
  readonly #macKey: Uint8Array;
  readonly #encrypt: (blocks: Uint8Array) => Uint8Array;
  #packets = 0;

  constructor(crypto: CryptoProvider, macKey: Uint8Array, key: Uint8Array) {
    this.#crypto = crypto;
    this.#macKey = macKey;
    this.#encrypt = crypto.tripleDesCbc('encrypt', key, FIPS_IV);
  }

  seal(plain: Uint8Array): { prefix: Uint8Array; data: Uint8Array } {
    const padding = (DES_BLOCK - (plain.length % DES_BLOCK)) % DES_BLOCK;
    const cursor = new WriteCursor(FIPS_PREFIX_SIZE);
    cursor.u16(FIPS_HEADER_LENGTH);
    cursor.u8(FIPS_VERSION);
    cursor.u8(padding);
    cursor.bytes(fipsSignature(this.#crypto, this.#macKey, plain, this.#packets++));
    return { prefix: cursor.finish(), data: this.#encrypt(concatBytes(plain, new Uint8Array(padding))) };
  }
}

class FipsOpener implements PacketOpener {
  readonly #crypto: CryptoProvider;
  readonly #macKey: Uint8Array;
  readonly #decrypt: (blocks: Uint8Array) => Uint8Array;
  #packets = 0;

  constructor(crypto: CryptoProvider, macKey: Uint8Array, key: Uint8Array) {
    this.#crypto = crypto;
    this.#macKey = macKey;
    this.#decrypt = crypto.tripleDesCbc('decrypt', key, FIPS_IV);
  }

  open(sealed: Uint8Array): Uint8Array {
    const cursor = new ReadCursor(sealed, 'TS_SECURITY_HEADER2');
    const length = cursor.u16('length');
    if (length !== FIPS_HEADER_LENGTH) throw cursor.error('invalid_value', 'length', `${length} is not 16`);
    cursor.skip(1, 'version');
    const padding = cursor.u8('padlen');
    const signature = cursor.bytes(SIGNATURE_SIZE, 'dataSignature');
    const data = cursor.rest();
    if (data.length % DES_BLOCK !== 0) throw cursor.error('invalid_value', 'data', `${data.length} bytes`);
    if (padding >= DES_BLOCK || padding > data.length) throw cursor.error('invalid_value', 'padlen', `${padding}`);
    const plain = this.#decrypt(data).subarray(0, data.length - padding);
    const expected = fipsSignature(this.#crypto, this.#macKey, plain, this.#packets++);
    checkSignature(signature, expected, 'TS_SECURITY_HEADER2');
    return plain;
  }
}

/** [MS-RDPBCGR] 5.3.6.2. */
function fipsSignature(crypto: CryptoProvider, macKey: Uint8Array, plain: Uint8Array, packet: number): Uint8Array {
  return crypto.hmacSha1(macKey, concatBytes(plain, u32(packet))).subarray(0, SIGNATURE_SIZE);
}

/**
 * 160 bits of hash to the 168 of three DES keys ([MS-RDPBCGR] 5.3.5.2): the hash's first byte comes again at its end,
 * every seven bits, counted from the lowest of each byte, make a byte, whose lowest bit then makes its parity odd.
 */
function spreadDesKey(hash: Uint8Array): Uint8Array {
  const bits = [...hash, hash[0] ?? 0].flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1));
  return Uint8Array.from({ length: 24 }, (_, i) => {
    const seven = bits.slice(i * 7, i * 7 + 7);
    const value = seven.reduce((sum, bit, at) => sum | (bit << at), 0) & ~1;
    const ones = seven.slice(1).reduce((sum, bit) => sum + bit, 0);
    return ones % 2 === 0 ? value | 1 : value;
  });
}

function checkSignature(signature: Uint8Array, expected: Uint8Array, context: string): void {
  if (!equalBytes(signature, expected)) throw new DecodeError('integrity', context, 'dataSignature', 0);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}
