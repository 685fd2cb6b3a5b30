import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { TrailSigner } from '../audit/signatures.ts';

/** A signer with a key of its own. */
export function testSigner(): TrailSigner {
  const { privateKey, publicKey: key } = generateKeyPairSync('ed25519');
  const id = createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex');
  return { keyId: id, sign: (data) => sign(null, data, privateKey), trustedKeys: async () => [{ id, key }] };
}
