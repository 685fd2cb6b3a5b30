import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../core/errors.ts';
import { encodeUtf16le } from '../core/text.ts';
import { derContext, derInteger, derOctetString, derSequence } from './der.ts';
import { decodePasswordCredentials, decodeTsCredentials, encodePasswordCredentials } from './ts-credentials.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

describe('TSCredentials', () => {
  it('carry a password, in UTF-16', () => {
    const encoded = encodePasswordCredentials({ domain: 'D', user: 'u', password: 'ü' });
    assert.equal(hex(encoded), hex(bytes('301d a003020101 a116 0414 3012 a004 04024400 a104 04027500 a204 0402fc00')));
    assert.deepEqual(decodePasswordCredentials(encoded), { domain: 'D', user: 'u', password: 'ü' });
    assert.deepEqual(decodeTsCredentials(encoded), { kind: 'password', domain: 'D', user: 'u', password: 'ü' });
  });

  it('carry a smart card: the example of [MS-CSSP] section 4', () => {
    const example = bytes(`
    3082010fa003020102a1820106048201023081ffa01a0418620062006200620062006200620062006200620062006200a181
    e03081dda003020101a22e042c4f004d004e0049004b0045005900200043006100720064004d0061006e0020003300780032
    00310020003000a350044e6c0065002d004d00530053006d00610072007400630061007200640055007300650072002d0038
    0062006400610030003100390066002d0031003200360036002d002d0035003300320036003800a45404524d006900630072
    006f0073006f006600740020004200610073006500200053006d006100720074002000430061007200640020004300720079
    00700074006f002000500072006f0076006900640065007200`);
    assert.equal(example.length, 275);
    assert.deepEqual(decodeTsCredentials(example), {
      kind: 'smart-card',
      pin: 'bbbbbbbbbbbb',
      keySpec: 1,
      readerName: 'OMNIKEY CardMan 3x21 0',
      containerName: 'le-MSSmartcardUser-8bda019f-1266--53268',
      cspName: 'Microsoft Base Smart Card Crypto Provider',
    });
    assert.equal(decodePasswordCredentials(example), undefined);
  });

  it('carry what Remote Credential Guard has, a package each', () => {
    const credential = (name: string, buffer: Uint8Array) =>
      derSequence(derContext(0, derOctetString(encodeUtf16le(name))), derContext(1, derOctetString(buffer)));
    const inner = derSequence(
      derContext(0, credential('Kerberos', Uint8Array.of(1))),
      derContext(1, derSequence(credential('NTLM', Uint8Array.of(2)), credential('Other', Uint8Array.of(3)))),
    );
    const encoded = derSequence(derContext(0, derInteger(6)), derContext(1, derOctetString(inner)));
    assert.deepEqual(decodeTsCredentials(encoded), {
      kind: 'remote-guard',
      logon: { packageName: 'Kerberos', credentials: Uint8Array.of(1) },
      supplemental: [
        { packageName: 'NTLM', credentials: Uint8Array.of(2) },
        { packageName: 'Other', credentials: Uint8Array.of(3) },
      ],
    });
  });

  it('of a kind that nobody knows are not a password', () => {
    const unknown = bytes('300b a003020103 a104 04023000');
    assert.deepEqual(decodeTsCredentials(unknown), { kind: 'unknown', type: 3 });
    assert.equal(decodePasswordCredentials(unknown), undefined);
  });

  it('are DecodeErrors when they are nonsense', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 6), fc.uint8Array({ maxLength: 60 }), (type, noise) => {
        try {
          decodeTsCredentials(derSequence(derContext(0, derInteger(type)), derContext(1, derOctetString(noise))));
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
    );
  });
});
