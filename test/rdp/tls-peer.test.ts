import assert from 'node:assert/strict';
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { describe, it } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { describeCertificate, describeTls, upgradeToTls } from '../../gateway/rdp/tls-peer.ts';
import { DecodeError } from '../../protocol/core/errors.ts';
import { endPointHashName, endPointHashOf, subjectPublicKeyOf } from '../../protocol/security/certificate.ts';
import { derElement, derSequence } from '../../protocol/security/der.ts';
import { selfSigned } from './fake-peer.ts';

async function certificate(options: Parameters<typeof generate>[1]): Promise<X509Certificate> {
  return new X509Certificate((await generate([{ name: 'commonName', value: 'tls-peer' }], options)).cert);
}

/** PKCS#1 of an RSA key; for others the point, which is what is left of the SubjectPublicKeyInfo. */
function expectedKey(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'der' });
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

describe('describeCertificate', () => {
  for (const algorithm of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
    it(`binds to a certificate signed with RSA and ${algorithm}`, async () => {
      const parsed = await certificate({ keySize: 2048, algorithm });
      const { peer, fingerprint } = describeCertificate(parsed);
      const hash = algorithm === 'sha1' ? 'sha256' : algorithm;
      assert.deepEqual(Buffer.from(peer.subjectPublicKey), expectedKey(parsed.publicKey));
      assert.deepEqual(Buffer.from(peer.endPointHash ?? []), createHash(hash).update(parsed.raw).digest());
      assert.equal(fingerprint, parsed.fingerprint256.replaceAll(':', '').toLowerCase());
    });
  }

  it('binds to a certificate with an elliptic curve', async () => {
    const parsed = await certificate({ keyType: 'ec', curve: 'P-256', algorithm: 'sha256' });
    const { peer } = describeCertificate(parsed);
    assert.deepEqual(Buffer.from(peer.subjectPublicKey), expectedKey(parsed.publicKey));
    assert.equal(peer.endPointHash?.length, 32);
  });
});

describe('endPointHashName', () => {
  const signedBy = (oid: string, ...parameters: Uint8Array[]): Uint8Array =>
    derSequence(derSequence(), derSequence(derElement(0x06, Buffer.from(oid, 'hex')), ...parameters));

  it('takes the hash of RSASSA-PSS from its parameters', () => {
    const sha384 = derSequence(derElement(0x06, Buffer.from('608648016503040202', 'hex')));
    const pss = '2a864886f70d01010a';
    assert.equal(endPointHashName(signedBy(pss, derSequence(derElement(0xa0, sha384)))), 'sha384');
    assert.equal(endPointHashName(signedBy(pss, derSequence())), 'sha256');
  });

  it('knows none for Ed25519: there the channel has no binding', () => {
    const ed25519 = signedBy('2b6570');
    assert.equal(endPointHashName(ed25519), undefined);
    assert.equal(endPointHashOf({ certificate: ed25519, subjectPublicKey: new Uint8Array(0) }, nodeCrypto), undefined);
  });
});

describe('subjectPublicKeyOf', () => {
  it('refuses what is no certificate', () => {
    assert.throws(() => subjectPublicKeyOf(new Uint8Array(0)), DecodeError);
    assert.throws(() => subjectPublicKeyOf(derSequence(derSequence())), DecodeError);
  });
});

describe('upgradeToTls', () => {
  it('sends each message as one record in TLS 1.0, too: Windows takes no empty ones', async () => {
    const identity = await selfSigned();
    const sent: Buffer[] = [];
    const server = createServer({
      ...identity,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: 'AES128-SHA:@SECLEVEL=0',
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // What is on the wire is seen by who passes it on.
    const proxy = createTcpServer((near) => {
      const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
      near.on('data', (chunk) => sent.push(chunk));
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const socket = connect((proxy.address() as AddressInfo).port, '127.0.0.1');
      await once(socket, 'connect');
      const secure = upgradeToTls(socket, 'localhost');
      const received = once(server, 'secureConnection').then(([peer]) => once(peer as TLSSocket, 'data'));
      await once(secure, 'secureConnect');
      assert.equal(describeTls(secure).version, '1.0');
      secure.write('one message');
      const [data] = (await received) as [Buffer];
      assert.equal(data.toString(), 'one message');
      secure.destroy();
    } finally {
      proxy.close();
      server.close();
    }
    assert.equal(recordTypes(Buffer.concat(sent)).filter((type) => type === APPLICATION_DATA).length, 1);
  });
});

/** [RFC 2246] 6.2.1 ContentType. */
const APPLICATION_DATA = 23;

function recordTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at] ?? 0);
  return types;
}
