import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import {
  decodeConferenceCreateRequest,
  decodeConferenceCreateResponse,
  encodeConferenceCreateRequest,
  encodeConferenceCreateResponse,
  sizeOfConferenceCreateRequest,
  sizeOfConferenceCreateResponse,
} from './gcc.ts';
import { type ClientData, decodeClientData, encodeClientData, sizeOfClientData } from './gcc-client-data.ts';
import {
  type ClientCoreData,
  decodeClientCoreData,
  encodeClientCoreData,
  sizeOfClientCoreData,
} from './gcc-core-data.ts';
import { decodeServerData, encodeServerData, type ServerData, sizeOfServerData } from './gcc-server-data.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function clientBytes(data: ClientData): Uint8Array {
  const cursor = new WriteCursor(sizeOfClientData(data));
  encodeClientData(data, cursor);
  return cursor.finish();
}

function serverBytes(data: ServerData): Uint8Array {
  const cursor = new WriteCursor(sizeOfServerData(data));
  encodeServerData(data, cursor);
  return cursor.finish();
}

describe('GCC conference', () => {
  it('encodes and decodes a Conference Create Request', () => {
    const data = hex('01c00400');
    const cursor = new WriteCursor(sizeOfConferenceCreateRequest(data));
    encodeConferenceCreateRequest(data, cursor);
    const bytes = hex('0005 00147c0001 11 0008 0010 00 01c000 44756361 04 01c00400');
    assert.deepEqual(cursor.finish(), bytes);
    assert.deepEqual(decodeConferenceCreateRequest(new ReadCursor(bytes, 'test')), data);
  });

  it('encodes and decodes a Conference Create Response', () => {
    const data = new Uint8Array(0x108).fill(1);
    const cursor = new WriteCursor(sizeOfConferenceCreateResponse(data));
    encodeConferenceCreateResponse(data, cursor);
    const bytes = concatBytes(hex('0005 00147c0001 8117 14 760a 0101 00 01c000 4d63446e 8108'), data);
    assert.deepEqual(cursor.finish(), bytes);
    assert.deepEqual(decodeConferenceCreateResponse(new ReadCursor(bytes, 'test')), data);
    // [MS-RDPBCGR] 4.1.4: the length that Windows itself sends is wrong.
    const windows = concatBytes(hex('0005 00147c0001 2a 14 760a 0101 00 01c000 4d63446e 8108'), data);
    assert.deepEqual(decodeConferenceCreateResponse(new ReadCursor(windows, 'test')), data);
    // 3.2.5.3.4: nor does a client look at `result`.
    const refused = hex('0005 00147c0001 2a 14 760a 0101 01 01c000 4d63446e 01 ff');
    assert.deepEqual(decodeConferenceCreateResponse(new ReadCursor(refused, 'test')), hex('ff'));
  });

  it('refuses other objects, keys and choices', () => {
    for (const bytes of [
      '0005 00147c0002 11 0008 0010 00 01c000 44756361 00',
      '0005 00147c0001 11 0108 0010 00 01c000 44756361 00',
      '0005 00147c0001 11 0018 0010 00 01c000 44756361 00',
      '0005 00147c0001 11 0008 0010 00 01c000 4d63446e 00',
      '0005 00147c0001 11 0008 0010 00 02c000 44756361 00',
      '0005 00147c0001 11 0008 0010 00 01c000 44756361 05',
      '0005 00147c0001 11 0008 ff10 00 01c000 44756361 00',
    ]) {
      assert.throws(() => decodeConferenceCreateRequest(new ReadCursor(hex(bytes), 'test')), DecodeError, bytes);
    }
  });
});

const FIXED_CORE: ClientCoreData = {
  version: 0x00080004,
  desktopWidth: 1280,
  desktopHeight: 1024,
  colorDepth: 0xca01,
  keyboardLayout: 0x409,
  clientBuild: 3790,
  clientName: 'ELTONS-DEV2',
  keyboardType: 4,
  keyboardSubType: 0,
  keyboardFunctionKey: 12,
  imeFileName: '',
};

const FULL_CORE: ClientCoreData = {
  ...FIXED_CORE,
  postBeta2ColorDepth: 0xca01,
  clientProductId: 1,
  serialNumber: 0,
  highColorDepth: 24,
  supportedColorDepths: 15,
  earlyCapabilityFlags: 0x0823,
  clientDigProductId: '69712-783-0357974-42714',
  connectionType: 6,
  serverSelectedProtocol: 8,
  desktopPhysicalWidth: 520,
  desktopPhysicalHeight: 320,
  desktopOrientation: 90,
  desktopScaleFactor: 150,
  deviceScaleFactor: 140,
};

describe('TS_UD_CS_CORE', () => {
  it('encodes and decodes the fields of RDP 4.0', () => {
    const bytes = hex(`04000800 0005 0004 01ca 03aa 09040000 ce0e0000
      45004c0054004f004e0053002d004400450056003200 00000000000000000000
      04000000 00000000 0c000000 ${'00'.repeat(64)}`);
    assert.equal(sizeOfClientCoreData(FIXED_CORE), 128);
    const cursor = new WriteCursor(128);
    encodeClientCoreData(FIXED_CORE, cursor);
    assert.deepEqual(cursor.finish(), bytes);
    assert.deepEqual(decodeClientCoreData(new ReadCursor(bytes, 'test')), FIXED_CORE);
  });

  it('encodes and decodes each optional field that the ones before it allow', () => {
    const fields = Object.entries(FULL_CORE);
    for (let count = 11; count <= fields.length; count++) {
      const core = Object.fromEntries(fields.slice(0, count)) as unknown as ClientCoreData;
      const cursor = new WriteCursor(sizeOfClientCoreData(core));
      encodeClientCoreData(core, cursor);
      assert.deepEqual(decodeClientCoreData(new ReadCursor(cursor.finish(), 'test')), core);
    }
    assert.equal(sizeOfClientCoreData(FULL_CORE), 230);
  });

  it('passes over what later versions append', () => {
    const cursor = new WriteCursor(230 + 5);
    encodeClientCoreData(FULL_CORE, cursor);
    cursor.zeros(5);
    assert.deepEqual(decodeClientCoreData(new ReadCursor(cursor.finish(), 'test')), FULL_CORE);
  });

  it('cuts a name that is too long, and ends it', () => {
    const cursor = new WriteCursor(128);
    encodeClientCoreData({ ...FIXED_CORE, clientName: 'a-name-of-more-than-fifteen' }, cursor);
    assert.equal(decodeClientCoreData(new ReadCursor(cursor.finish(), 'test')).clientName, 'a-name-of-more-');
  });
});

describe('client settings', () => {
  const FULL: ClientData = {
    core: FULL_CORE,
    security: { encryptionMethods: 0x1b, extEncryptionMethods: 2 },
    channels: [
      { name: 'rdpdr', options: 0x80800000 },
      { name: 'cliprdr', options: 0xc0a00000 },
    ],
    cluster: { flags: 0x0d, redirectedSessionId: 5 },
    monitors: [
      { left: 0, top: 0, right: 1919, bottom: 1079, flags: 1 },
      { left: -1280, top: -20, right: -1, bottom: 1003, flags: 0 },
    ],
    messageChannelFlags: 0,
    monitorAttributes: [
      { physicalWidth: 520, physicalHeight: 290, orientation: 0, desktopScaleFactor: 100, deviceScaleFactor: 100 },
      { physicalWidth: 300, physicalHeight: 240, orientation: 90, desktopScaleFactor: 150, deviceScaleFactor: 140 },
    ],
    multitransportFlags: 0x105,
    unknown: [{ type: 0xc00c, data: hex('0102') }],
  };

  it('round-trips all blocks', () => {
    const bytes = clientBytes(FULL);
    assert.equal(bytes.length, sizeOfClientData(FULL));
    assert.deepEqual(decodeClientData(bytes), FULL);
  });

  it('writes the blocks as the specification has them', () => {
    const bytes = clientBytes({
      core: FIXED_CORE,
      cluster: { flags: 0x0d, redirectedSessionId: 0 },
      security: { encryptionMethods: 0x1b, extEncryptionMethods: 0 },
      channels: [{ name: 'rdpdr', options: 0x80800000 }],
      messageChannelFlags: 0,
      multitransportFlags: 1,
    });
    assert.deepEqual(bytes.subarray(0, 4), hex('01c08400'));
    assert.deepEqual(
      bytes.subarray(0x84),
      hex(`04c00c00 0d000000 00000000  02c00c00 1b000000 00000000
        03c01400 01000000 7264706472000000 00008080  06c00800 00000000  0ac00800 01000000`),
    );
  });

  it('refuses settings without core data, and counts past the limits', () => {
    const refused = (bytes: string, code: DecodeError['code']) => {
      const is = (error: unknown) => error instanceof DecodeError && error.code === code;
      assert.throws(() => decodeClientData(hex(bytes)), is, bytes);
    };
    refused('', 'invalid_value');
    refused('03c00800 20000000', 'limit_exceeded');
    refused('05c00c00 00000000 11000000', 'limit_exceeded');
    refused('08c01000 00000000 14000000 ffffffff', 'limit_exceeded');
    refused('08c01000 00000000 15000000 00000000', 'invalid_value');
    refused('03c00800 01000000', 'truncated');
    refused('03c00300', 'invalid_value');
    refused('ffff0400'.repeat(65), 'limit_exceeded');
  });

  it('does not write what it would not read', () => {
    const channels = Array.from({ length: 32 }, (_, i) => ({ name: `c${i}`, options: 0 }));
    assert.throws(() => clientBytes({ core: FIXED_CORE, channels }), UsageError);
    assert.throws(() => clientBytes({ core: FIXED_CORE, channels: [{ name: 'eightchr', options: 0 }] }), UsageError);
  });
});

describe('server settings', () => {
  const MINIMAL: ServerData = {
    core: { version: 0x80004 },
    security: { encryptionMethod: 0, encryptionLevel: 0 },
    network: { ioChannelId: 1003, channelIds: [] },
  };

  it('encodes and decodes what every server sends', () => {
    const data: ServerData = { ...MINIMAL, network: { ioChannelId: 1003, channelIds: [1004, 1005, 1006] } };
    const bytes = hex('010c0800 04000800 030c1000 eb03 0300 ec03 ed03 ee03 0000 020c0c00 00000000 00000000');
    assert.deepEqual(serverBytes(data), bytes);
    assert.deepEqual(decodeServerData(bytes), data);
  });

  it('round-trips all blocks', () => {
    const data: ServerData = {
      core: { version: 0x80011, clientRequestedProtocols: 11, earlyCapabilityFlags: 0xf },
      security: {
        encryptionMethod: 2,
        encryptionLevel: 2,
        serverRandom: new Uint8Array(32).fill(3),
        serverCertificate: hex('010203'),
      },
      network: { ioChannelId: 1003, channelIds: [1004, 0] },
      messageChannelId: 1006,
      multitransportFlags: 0x201,
      unknown: [{ type: 0x0c99, data: hex('aa') }],
    };
    assert.deepEqual(decodeServerData(serverBytes(data)), data);
    const fewer = { ...MINIMAL, core: { version: 0x80004, clientRequestedProtocols: 1 } };
    assert.deepEqual(decodeServerData(serverBytes(fewer)), fewer);
  });

  it('refuses missing blocks, too many channels and a random of another size', () => {
    for (const bytes of [
      '010c0800 04000800',
      '010c0800 04000800 020c0c00 00000000 00000000',
      '010c0800 04000800 020c0c00 00000000 00000000 030c0800 eb03 2000',
      '010c0800 04000800 020c1400 02000000 02000000 10000000 00000000 030c0800 eb03 0000',
    ]) {
      assert.throws(() => decodeServerData(hex(bytes)), DecodeError, bytes);
    }
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(decodeServerData, decodeClientData),
        (bytes, decode) => {
          try {
            decode(bytes);
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        },
      ),
    );
  });
});
