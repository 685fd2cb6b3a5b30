import { argon2, type BinaryLike, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { GatewayError } from '../errors.ts';

/** Characters of a password of ours, whoever chooses it. */
export const PASSWORD_LENGTH = { least: 8, most: 1024 } as const;

/** OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane. */
const ARGON2 = { memory: 19456, passes: 2, parallelism: 1 } as const;
/** Where this Node has no argon2: OWASP's scrypt. 128 MiB of memory for a moment. */
const SCRYPT = { cost: 2 ** 17, blockSize: 8, parallelization: 1 } as const;
const SALT_SIZE = 16;
const HASH_SIZE = 32;
/**
 * Hashes at a time. Each has its memory to itself and one of libuv's few threads, which the disk and the resolver need
 * too; more at a time would not be sooner done.
 */
const MAX_AT_ONCE = 2;
/** Hashes that may wait for their turn: some seconds' worth. Whoever comes then is told to come again. */
const MAX_WAITING = 128;

/** A password hash in PHC string format, `$argon2id$v=19$m=…,t=…,p=…$salt$hash` or `$scrypt$ln=…,r=…,p=…$salt$hash`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_SIZE);
  if (typeof argon2 === 'function') {
    const { memory, passes, parallelism } = ARGON2;
    const hash = await argon2id(password, salt, memory, passes, parallelism);
    return `${argon2Prefix()}${base64(salt)}$${base64(hash)}`;
  }
  return hashWithScrypt(password, salt);
}

/** Exported for its own test; `hashPassword` uses it where argon2 is missing. */
export async function hashWithScrypt(password: string, salt: Uint8Array = randomBytes(SALT_SIZE)): Promise<string> {
  const { cost, blockSize, parallelization } = SCRYPT;
  const hash = await scryptHash(password, salt, cost, blockSize, parallelization);
  return `${scryptPrefix()}${base64(salt)}$${base64(hash)}`;
}

/** Whether a password is the one that was hashed. A hash in no known form fits no password. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parts = stored.split('$');
  if (parts[1] === 'argon2id' && parts.length === 6) {
    const [memory, passes, parallelism] = parameters(parts[3], ['m', 't', 'p']);
    const expected = Buffer.from(parts[5] ?? '', 'base64');
    const hash = await argon2id(password, Buffer.from(parts[4] ?? '', 'base64'), memory, passes, parallelism);
    return equal(hash, expected);
  }
  if (parts[1] === 'scrypt' && parts.length === 5) {
    const [ln, blockSize, parallelization] = parameters(parts[2], ['ln', 'r', 'p']);
    const expected = Buffer.from(parts[4] ?? '', 'base64');
    const salt = Buffer.from(parts[3] ?? '', 'base64');
    return equal(await scryptHash(password, salt, 2 ** ln, blockSize, parallelization), expected);
  }
  return false;
}

/** Whether a hash was made in another way or with less effort than today's: to be made anew when the password is there. */
export function needsRehash(stored: string): boolean {
  return !stored.startsWith(argon2Async === undefined ? scryptPrefix() : argon2Prefix());
}

/** A password nobody chose: 20 characters, 100 bits, easily read out. */
export function generatePassword(): string {
  const alphabet = '23456789abcdefghjkmnpqrstuvwxyzA'; // 32 characters, so that each takes 5 bits evenly
  return Array.from(randomBytes(20), (byte) => alphabet[byte & 31]).join('');
}

const scryptAsync = promisify(
  (
    password: string,
    salt: Uint8Array,
    size: number,
    options: { N: number; r: number; p: number; maxmem: number },
    done: (error: Error | null, hash: Buffer) => void,
  ) => scrypt(password, salt, size, options, done),
);

const argon2Async =
  typeof argon2 === 'function'
    ? promisify(
        (
          options: { message: BinaryLike; nonce: BinaryLike; memory: number; passes: number; parallelism: number },
          done: (error: Error | null, hash: Buffer) => void,
        ) => argon2('argon2id', { ...options, tagLength: HASH_SIZE }, done),
      )
    : undefined;

/** 32 bytes. @param memory KiB */
export async function argon2id(
  password: BinaryLike,
  nonce: Uint8Array,
  memory: number,
  passes: number,
  parallelism: number,
): Promise<Buffer> {
  if (argon2Async === undefined) throw new Error('this Node has no argon2');
  return inTurn(() => argon2Async({ message: password, nonce, memory, passes, parallelism }));
}

function scryptHash(password: string, salt: Uint8Array, N: number, r: number, p: number): Promise<Buffer> {
  const options = { N, r, p, maxmem: 256 * N * r };
  return inTurn(() => scryptAsync(password, salt, HASH_SIZE, options));
}

let running = 0;
const waiting: (() => void)[] = [];

/** Bounds what hashing takes of memory and threads; beyond the bound it refuses rather than keep everybody waiting. */
async function inTurn<T>(hash: () => Promise<T>): Promise<T> {
  if (running >= MAX_AT_ONCE) {
    if (waiting.length >= MAX_WAITING) throw new GatewayError('too_many_requests');
    // Whoever ends passes its place on, so that nobody comes between.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running++;
  }
  try {
    return await hash();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

function argon2Prefix(): string {
  return `$argon2id$v=19$m=${ARGON2.memory},t=${ARGON2.passes},p=${ARGON2.parallelism}$`;
}

function scryptPrefix(): string {
  return `$scrypt$ln=${Math.log2(SCRYPT.cost)},r=${SCRYPT.blockSize},p=${SCRYPT.parallelization}$`;
}

function parameters(text: string | undefined, names: readonly [string, string, string]): [number, number, number] {
  const values = new Map((text ?? '').split(',').map((pair) => pair.split('=') as [string, string]));
  const read = (name: string) => Number(values.get(name) ?? Number.NaN);
  return [read(names[0]), read(names[1]), read(names[2])];
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
