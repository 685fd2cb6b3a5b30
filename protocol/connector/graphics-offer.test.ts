import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodecGuid } from '../pdu/capability-sets.ts';
import { offerGraphics } from './graphics-offer.ts';

describe('offerGraphics', () => {
  it('offers RemoteFX as [MS-RDPRFX] 4.2.1 does, byte for byte', () => {
    const expected = `31 00 00 00 01 00 00 00 25 00 00 00 c0 cb 08 00
      00 00 01 00 c1 cb 1d 00 00 00 01 c0 cf 02 00 08
      00 00 01 40 00 00 01 01 01 00 01 40 00 00 01 01 04`;
    const [codec, ...others] = offerGraphics(['remotefx']).codecs ?? [];
    assert.deepEqual(others, []);
    assert.equal(codec?.guid, CodecGuid.remoteFx);
    assert.equal(Buffer.from(codec.properties).toString('hex'), expected.replaceAll(/\s/g, ''));
  });

  it('offers NSCodec with the least loss that there is', () => {
    const [codec] = offerGraphics(['nscodec']).codecs ?? [];
    assert.deepEqual([...(codec?.properties ?? [])], [1, 1, 1]);
  });

  it('brings surface commands along with any codec for them', () => {
    assert.deepEqual(offerGraphics([]), {});
    assert.equal(offerGraphics(['nscodec']).surfaceCommands, true);
    assert.equal(offerGraphics(['rdpgfx']).surfaceCommands, undefined);
    assert.equal(offerGraphics(['rdpgfx']).dynamicGraphics, true);
  });
});
