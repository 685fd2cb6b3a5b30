import assert from 'node:assert/strict';
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { generate } from 'selfsigned';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { describeCertificate } from '../../gateway/rdp/tls-peer.ts';
import { DecodeError } from '../../protocol/core/errors.ts';
import { endPointHashName, endPointHashOf, subjectPublicKeyOf } from '../../protocol/security/certificate.ts';
import { derElement, derSequence } from '../../protocol/security/der.ts';

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
