import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DecodeError } from '../core/errors.ts';
import { CLIENT_DOMAIN_PARAMETERS, type DomainParameters } from '../pdu/mcs.ts';
import { mergeDomainParameters } from './domain-parameters.ts';

type Change = Partial<DomainParameters>;

function merge(target: Change, minimum: Change = {}, maximum: Change = {}): DomainParameters {
  return mergeDomainParameters({
    target: { ...CLIENT_DOMAIN_PARAMETERS.target, ...target },
    minimum: { ...CLIENT_DOMAIN_PARAMETERS.minimum, ...minimum },
    maximum: { ...CLIENT_DOMAIN_PARAMETERS.maximum, ...maximum },
  });
}

describe('domain parameters, [MS-RDPBCGR] 3.3.5.3.3', () => {
  it("are the document's own for a client of Windows: 4.1.3 and 4.1.4", () => {
    assert.deepEqual(merge({}), { ...CLIENT_DOMAIN_PARAMETERS.target, maxUserIds: 3, maxMcsPduSize: 65528 });
  });

  it('are what the client aims at where that will do', () => {
    const target = { maxChannelIds: 4, maxUserIds: 3, maxTokenIds: 7, minThroughput: 9, maxMcsPduSize: 124 };
    assert.deepEqual(merge(target), { ...CLIENT_DOMAIN_PARAMETERS.target, ...target });
    assert.equal(merge({ maxMcsPduSize: 65528 }).maxMcsPduSize, 65528);
  });

  it('are the least that a server needs where the client would go that far', () => {
    const { maxChannelIds, maxUserIds } = merge({ maxChannelIds: 3, maxUserIds: 2 });
    assert.deepEqual([maxChannelIds, maxUserIds], [4, 3]);
    assert.equal(merge({ maxMcsPduSize: 123 }, {}, { maxMcsPduSize: 2000 }).maxMcsPduSize, 2000);
    assert.equal(merge({ maxHeight: 5 }, { maxHeight: 1 }).maxHeight, 1);
    assert.equal(merge({ protocolVersion: 3 }, { protocolVersion: 1 }, { protocolVersion: 3 }).protocolVersion, 2);
  });

  for (const [field, target, minimum, maximum] of [
    ['maxChannelIds', { maxChannelIds: 3 }, {}, { maxChannelIds: 3 }],
    ['maxUserIds', { maxUserIds: 2 }, {}, { maxUserIds: 2 }],
    ['numPriorities', {}, { numPriorities: 2 }, {}],
    ['maxHeight', { maxHeight: 2 }, { maxHeight: 2 }, {}],
    ['maxMCSPDUsize', { maxMcsPduSize: 65529 }, { maxMcsPduSize: 123 }, {}],
    ['maxMCSPDUsize', { maxMcsPduSize: 123 }, {}, { maxMcsPduSize: 123 }],
    ['protocolVersion', { protocolVersion: 3 }, { protocolVersion: 3 }, {}],
    ['protocolVersion', { protocolVersion: 1 }, {}, { protocolVersion: 1 }],
  ] as const) {
    it(`do not come about: ${field} of ${JSON.stringify([target, minimum, maximum])}`, () => {
      assert.throws(
        () => merge(target, minimum, maximum),
        (error: unknown) => error instanceof DecodeError && error.field === field,
      );
    });
  }
});
