import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** What a page is given to ask for a passkey with. */
interface Options {
  readonly challenge: string;
  readonly rpId?: string;
  readonly rp?: { readonly id?: string };
  readonly user?: { readonly id: string };
}

export interface DeviceOptions {
  readonly origin: string;
  /** Whether it asks for a PIN or a finger. */
  readonly verifiesUser?: boolean;
}

const FLAG_PRESENT = 0x01;
const FLAG_VERIFIED = 0x04;
const FLAG_CREDENTIAL = 0x40;

/** A passkey in software ([WebAuthn] 6, ES256, no attestation): what a browser and its authenticator would answer. */
export class PasskeyDevice {
  readonly id = randomBytes(32);
  /** What it counts its signatures with; a copy counts on its own. */
  counter = 0;
  readonly #key: KeyObject;
  readonly #publicKey: { readonly x: Buffer; readonly y: Buffer };
  readonly #options: DeviceOptions;
  #userHandle: string | undefined;

  constructor(options: DeviceOptions) {
    this.#options = options;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.#publicKey = { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
  }

  /** Answers `navigator.credentials.create`. */
  create(options: Options, origin = this.#options.origin) {
    this.#userHandle = options.user?.id;
    const authenticatorData = this.#authenticatorData(options.rp?.id ?? '', true);
    // CBOR ([RFC 8949]): {"fmt": "none", "attStmt": {}, "authData": bytes}
    const attestation = Buffer.concat([
      Buffer.from([0xa3]),
      cborText('fmt'),
      cborText('none'),
      cborText('attStmt'),
      Buffer.from([0xa0]),
      cborText('authData'),
      cborBytes(authenticatorData),
    ]);
    return this.#credential({
      clientDataJSON: clientData('webauthn.create', options.challenge, origin).toString('base64url'),
      attestationObject: attestation.toString('base64url'),
      transports: ['internal'],
    });
  }

  /** Answers `navigator.credentials.get`. */
  get(options: Options, origin = this.#options.origin) {
    const data = clientData('webauthn.get', options.challenge, origin);
    const authenticatorData = this.#authenticatorData(options.rpId ?? '', false);
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(data).digest()]);
    return this.#credential({
      clientDataJSON: data.toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      signature: sign('sha256', signed, this.#key).toString('base64url'),
      ...(this.#userHandle === undefined ? {} : { userHandle: this.#userHandle }),
    });
  }

  #credential(response: Record<string, unknown>) {
    const id = this.id.toString('base64url');
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
  }

  /** [WebAuthn] 6.1: hash of the RP id, flags, counter, and for a new one its id and key. */
  #authenticatorData(rpId: string, fresh: boolean): Buffer {
    const verified = (this.#options.verifiesUser ?? true) ? FLAG_VERIFIED : 0;
    const head = Buffer.alloc(37);
    createHash('sha256').update(rpId).digest().copy(head);
    head.writeUInt8(FLAG_PRESENT | verified | (fresh ? FLAG_CREDENTIAL : 0), 32);
    head.writeUInt32BE(++this.counter, 33);
    if (!fresh) return head;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(this.id.length);
    // COSE ([RFC 9052] 7): kty EC2, alg ES256, crv P-256, x, y.
    const key = Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
      cborBytes(this.#publicKey.x),
      Buffer.from([0x22]),
      cborBytes(this.#publicKey.y),
    ]);
    return Buffer.concat([head, Buffer.alloc(16), length, this.id, key]);
  }
}

function clientData(type: string, challenge: string, origin: string): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

function cborText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 | text.length]), Buffer.from(text)]);
}

function cborBytes(bytes: Uint8Array): Buffer {
  const head = bytes.length < 256 ? [0x58, bytes.length] : [0x59, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from(head), bytes]);
}
