/**
 * [MS-RDPBCGR] 4.1 Annotated Connection Sequence: each PDU is decoded to what its annotations say and encoded again to
 * the document's own bytes. What is encrypted there (the session's keys are not printed) is held to its framing, and
 * its clear text decoded on its own.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { decodeSecurityExchange, encodeSecurityExchange } from '../../protocol/connector/security-exchange.ts';
import {
  decodeServerCertificate,
  decryptByServer,
  encodeProprietaryCertificate,
  encryptForServer,
} from '../../protocol/connector/server-certificate.ts';
import { concatBytes } from '../../protocol/core/bytes.ts';
import { ReadCursor, WriteCursor } from '../../protocol/core/cursor.ts';
import {
  type CapabilitySet,
  CapabilitySetType,
  decodeCapabilitySet,
  encodeCapabilitySet,
  findCapability,
  sizeOfCapabilitySet,
} from '../../protocol/pdu/capability-sets.ts';
import { decodeClientInfo, encodeClientInfo, InfoFlags, sizeOfClientInfo } from '../../protocol/pdu/client-info.ts';
import {
  ControlAction,
  decodeControl,
  decodeSynchronize,
  encodeControl,
  encodeFontList,
  encodeFontMap,
  encodeSynchronize,
  sizeOfControl,
  sizeOfFontPdu,
  sizeOfSynchronize,
} from '../../protocol/pdu/finalization.ts';
import {
  decodeConferenceCreateRequest,
  decodeConferenceCreateResponse,
  encodeConferenceCreateRequest,
  encodeConferenceCreateResponse,
  sizeOfConferenceCreateRequest,
  sizeOfConferenceCreateResponse,
} from '../../protocol/pdu/gcc.ts';
import {
  ChannelOptions,
  decodeClientData,
  EncryptionMethod,
  encodeClientData,
  sizeOfClientData,
} from '../../protocol/pdu/gcc-client-data.ts';
import {
  decodeServerData,
  EncryptionLevel,
  encodeServerData,
  sizeOfServerData,
} from '../../protocol/pdu/gcc-server-data.ts';
import { decodeLicenseMessage, encodeLicenseMessage, VALID_CLIENT_ALERT } from '../../protocol/pdu/licensing.ts';
import {
  decodeConnectInitial,
  decodeConnectResponse,
  encodeConnectInitial,
  encodeConnectResponse,
  sizeOfConnectInitial,
  sizeOfConnectResponse,
} from '../../protocol/pdu/mcs.ts';
import { type McsPdu, mcsMessage, sizeOfMcsPdu } from '../../protocol/pdu/mcs-domain.ts';
import {
  decodeConnectionConfirm,
  decodeConnectionRequest,
  encodeConnectionConfirm,
  encodeConnectionRequest,
  SecurityProtocol,
} from '../../protocol/pdu/nego.ts';
import { SecurityFlags } from '../../protocol/pdu/security-header.ts';
import {
  decodeConfirmActive,
  decodeDemandActive,
  encodeConfirmActive,
  encodeDemandActive,
  ShareControlType,
  ShareDataType,
  shareControlMessage,
  shareDataMessage,
  sizeOfConfirmActive,
  sizeOfDemandActive,
} from '../../protocol/pdu/share.ts';
import { DATA_HEADER_SIZE, encodeData } from '../../protocol/pdu/x224.ts';

import { differences, mcsOf, payloadOf, securedOf, shareDataOf, sharePduOf } from './decode.ts';
import { specificationDumps } from './dumps.ts';

const dump = specificationDumps('ms-rdpbcgr');

const USER = 1007;
const SERVER = 1002;
const IO = 1003;
const SHARE_ID = 0x103ea;

describe('[MS-RDPBCGR] 4.1.1, 4.1.2: connection initiation', () => {
  it('4.1.1 Client X.224 Connection Request', () => {
    const request = {
      routing: { kind: 'cookie', value: 'mstshash=eltons' },
      negotiation: { flags: 0, protocols: SecurityProtocol.rdp },
    } as const;
    assert.deepEqual(decodeConnectionRequest(dump('4.1.1')), request);
    assert.deepEqual(encodeConnectionRequest(request), dump('4.1.1'));
  });

  it('4.1.2 Server X.224 Connection Confirm', () => {
    const confirm = { kind: 'response', flags: 0, protocol: SecurityProtocol.rdp } as const;
    assert.deepEqual(decodeConnectionConfirm(dump('4.1.2')), confirm);
    assert.deepEqual(encodeConnectionConfirm(confirm), dump('4.1.2'));
  });
});

describe('[MS-RDPBCGR] 4.1.3, 4.1.4: basic settings exchange', () => {
  const { bits40, bits56, bits128, fips } = EncryptionMethod;

  it('4.1.3 Client MCS Connect Initial', () => {
    const initial = decodeConnectInitial(payloadOf(dump('4.1.3')));
    assert.deepEqual(initial.target, parameters(34, 2, 0, 0xffff));
    assert.deepEqual(initial.minimum, parameters(1, 1, 1, 1056));
    assert.deepEqual(initial.maximum, parameters(0xffff, 0xfc17, 0xffff, 0xffff));
    const data = decodeClientData(
      decodeConferenceCreateRequest(new ReadCursor(initial.userData, 'GCC Conference Create Request')),
    );
    const { initialized, encryptRdp, compressRdp, showProtocol } = ChannelOptions;
    assert.deepEqual(data, {
      core: {
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
        postBeta2ColorDepth: 0xca01,
        clientProductId: 1,
        serialNumber: 0,
        highColorDepth: 24,
        supportedColorDepths: 0x7,
        earlyCapabilityFlags: 0x1,
        clientDigProductId: '69712-783-0357974-42714',
        connectionType: 0,
        serverSelectedProtocol: 0,
      },
      cluster: { flags: 0x0d, redirectedSessionId: 0 },
      security: { encryptionMethods: bits40 | bits56 | bits128 | fips, extEncryptionMethods: 0 },
      channels: [
        { name: 'rdpdr', options: initialized + compressRdp },
        { name: 'cliprdr', options: initialized + encryptRdp + compressRdp + showProtocol },
        { name: 'rdpsnd', options: initialized + encryptRdp },
      ],
    });
    const blocks = written(sizeOfClientData(data), (cursor) => encodeClientData(data, cursor));
    const userData = written(sizeOfConferenceCreateRequest(blocks), (cursor) =>
      encodeConferenceCreateRequest(blocks, cursor),
    );
    assert.deepEqual(userData, initial.userData);
    const encoded = written(sizeOfConnectInitial(initial), (cursor) => encodeConnectInitial(initial, cursor));
    // [X690] 8.3 wants a zero before integers whose top bit is set: Windows' client leaves out the five of them here,
    // its server (4.1.4) does not.
    assert.equal(encodeData(encoded).length, dump('4.1.3').length + 5);
    assert.deepEqual(decodeConnectInitial(new ReadCursor(encoded, 'MCS Connect Initial')), initial);
  });

  it('4.1.4 Server MCS Connect Response, whole but for the wrong length that Windows writes', () => {
    const response = decodeConnectResponse(payloadOf(dump('4.1.4')));
    assert.equal(response.result, 0);
    assert.ok(response.domain);
    assert.equal(response.domain.calledConnectId, 0);
    assert.deepEqual(response.domain.parameters, parameters(34, 3, 0, 0xfff8));
    const data = decodeServerData(
      decodeConferenceCreateResponse(new ReadCursor(response.domain.userData, 'GCC Conference Create Response')),
    );
    assert.deepEqual(data.core, { version: 0x00080004, clientRequestedProtocols: 0 });
    assert.deepEqual(data.network, { ioChannelId: IO, channelIds: [1004, 1005, 1006] });
    assert.equal(data.security.encryptionMethod, bits128);
    assert.equal(data.security.encryptionLevel, EncryptionLevel.clientCompatible);
    assert.equal(data.security.serverRandom?.length, 32);
    assert.equal(data.security.serverCertificate?.length, 184);

    const blocks = written(sizeOfServerData(data), (cursor) => encodeServerData(data, cursor));
    const userData = written(sizeOfConferenceCreateResponse(blocks), (cursor) =>
      encodeConferenceCreateResponse(blocks, cursor),
    );
    // Behind the key: Windows says that 42 bytes follow, ours that it is as many as do, which takes a byte more.
    const differs = 7;
    assert.deepEqual(userData.subarray(differs + 2), response.domain.userData.subarray(differs + 1));
    assert.equal(userData.length, sizeOfConferenceCreateResponse(blocks));
    const encoded = written(sizeOfConnectResponse(response), (cursor) => encodeConnectResponse(response, cursor));
    assert.deepEqual(encodeData(encoded), dump('4.1.4'));
  });

  it("4.1.4 the server's certificate: key and signature, byte for byte", () => {
    const { domain } = decodeConnectResponse(payloadOf(dump('4.1.4')));
    assert.ok(domain);
    const conference = new ReadCursor(domain.userData, 'GCC Conference Create Response');
    const { serverCertificate } = decodeServerData(decodeConferenceCreateResponse(conference)).security;
    assert.ok(serverCertificate);
    const key = decodeServerCertificate(serverCertificate);
    assert.equal(key.size, 64);
    assert.equal(key.exponent, 65537n);
    assert.deepEqual(encodeProprietaryCertificate(key, nodeCrypto), serverCertificate);
  });
});

describe('[MS-RDPBCGR] 4.1.5 to 4.1.8: channel connection', () => {
  const joins = [USER, IO, 1004, 1005, 1006].flatMap((channelId, i): [string, McsPdu][] => [
    [`4.1.8.${i + 1}.1`, { kind: 'channelJoinRequest', initiator: USER, channelId }],
    [`4.1.8.${i + 1}.2`, { kind: 'channelJoinConfirm', result: 0, initiator: USER, requested: channelId, channelId }],
  ]);
  const examples: readonly (readonly [string, McsPdu])[] = [
    ['4.1.5', { kind: 'erectDomainRequest', subHeight: 0, subInterval: 0 }],
    ['4.1.6', { kind: 'attachUserRequest' }],
    ['4.1.7', { kind: 'attachUserConfirm', result: 0, initiator: USER }],
    ...joins,
  ];
  for (const [section, pdu] of examples) {
    it(`${section} ${pdu.kind}`, () => {
      const packet = dump(section);
      assert.deepEqual(mcsOf(packet), pdu);
      assert.deepEqual(mcsMessage(pdu), packet);
      assert.equal(DATA_HEADER_SIZE + sizeOfMcsPdu(pdu), packet.length);
    });
  }
});

describe('[MS-RDPBCGR] 4.1.9 to 4.1.11: security commencement, secure settings and licensing', () => {
  it('4.1.9 Client Security Exchange', () => {
    const pdu = mcsOf(dump('4.1.9'));
    assert.ok(pdu.kind === 'sendDataRequest' && pdu.initiator === USER && pdu.channelId === IO);
    const encrypted = decodeSecurityExchange(pdu.userData);
    // As long as the server's modulus, and eight zeros.
    assert.equal(encrypted.length, 64 + 8);
    assert.deepEqual(encrypted.subarray(64), new Uint8Array(8));
    assert.deepEqual(mcsMessage({ ...pdu, userData: encodeSecurityExchange(encrypted) }), dump('4.1.9'));
  });

  it('4.1.10 Client Info', () => {
    const secured = securedOf(dump('4.1.10'));
    assert.equal(secured.flags, SecurityFlags.infoPacket | SecurityFlags.encrypt);
    const clear = dump('4.1.10/2');
    assert.equal(secured.data.length, clear.length);

    const info = decodeClientInfo(new ReadCursor(clear, 'TS_INFO_PACKET'));
    const { mouse, disableCtrlAltDel, unicode, maximizeShell, compression, enableWindowsKey } = InfoFlags;
    const flags = mouse | disableCtrlAltDel | unicode | maximizeShell | compression | enableWindowsKey;
    assert.equal(info.flags, flags | InfoFlags.forceEncryptedCsPdu | (1 << 9) /* PACKET_COMPR_TYPE_64K */);
    const transition = { year: 0, dayOfWeek: 0, hour: 2, minute: 0, second: 0, milliseconds: 0 };
    assert.deepEqual(info, {
      codePage: 0x04090409,
      flags: info.flags,
      domain: 'NTDEV',
      userName: 'eltons',
      password: '',
      alternateShell: '',
      workingDir: '',
      extended: {
        clientAddressFamily: 2,
        clientAddress: '157.59.242.156',
        clientDir: 'C:\\depots\\w2k3_1\\termsrv\\newclient\\lib\\win32\\obj\\i386\\mstscax.dll',
        timeZone: {
          bias: 480,
          standardName: 'Pacific Standard Time',
          standardDate: { ...transition, month: 10, day: 5 },
          standardBias: 0,
          daylightName: 'Pacific Daylight Time',
          daylightDate: { ...transition, month: 4, day: 1 },
          daylightBias: -60,
        },
        clientSessionId: 0,
        performanceFlags: 0x01,
        autoReconnectCookie: null,
      },
    });
    assert.deepEqual(
      written(sizeOfClientInfo(info), (cursor) => encodeClientInfo(info, cursor)),
      clear,
    );
  });

  it('4.1.11 Server License Error PDU, Valid Client', () => {
    const secured = securedOf(dump('4.1.11'));
    const { encrypt, licensePacket, licenseEncrypt } = SecurityFlags;
    assert.equal(secured.flags, encrypt | licensePacket | licenseEncrypt);
    const clear = dump('4.1.11/2');
    assert.equal(secured.data.length, clear.length);
    const message = decodeLicenseMessage(new ReadCursor(clear, 'LICENSE_PREAMBLE'));
    assert.deepEqual(message, VALID_CLIENT_ALERT);
    assert.deepEqual(
      written(clear.length, (cursor) => encodeLicenseMessage(VALID_CLIENT_ALERT, cursor)),
      clear,
    );
  });
});

describe('[MS-RDPBCGR] 4.1.12, 4.1.13: capabilities exchange', () => {
  it('4.1.12 Server Demand Active', () => {
    assert.equal(securedOf(dump('4.1.12')).data.length, dump('4.1.12/2').length);
    const { source, type, body } = sharePduOf(dump('4.1.12/2'));
    assert.deepEqual([type, source], [ShareControlType.demandActive, SERVER]);
    const demand = decodeDemandActive(new ReadCursor(body, 'TS_DEMAND_ACTIVE_PDU'));
    assert.equal(demand.shareId, SHARE_ID);
    assert.equal(new TextDecoder().decode(demand.sourceDescriptor), 'RDP\0');
    assert.equal(demand.sessionId, 0);
    const encoded = written(sizeOfDemandActive(demand), (cursor) => encodeDemandActive(demand, cursor));
    const message = shareControlMessage(type, source, encoded);
    assert.deepEqual(message, dump('4.1.12/2'));

    const sets = demand.capabilitySets.map(decodeCapabilitySet);
    const kinds = ['share', 'general', 'virtualChannel', 'opaque', 'font', 'bitmap', 'order', 'colorCache'];
    assert.deepEqual(
      sets.map(({ kind }) => kind),
      [...kinds, 'bitmapCacheHostSupport', 'pointer', 'input', 'opaque', 'opaque'],
    );
    assert.deepEqual(
      sets.flatMap((set) => (set.kind === 'opaque' ? [set.type] : [])),
      [CapabilitySetType.drawGdiPlus, CapabilitySetType.rail, CapabilitySetType.windowList],
    );
    assert.equal(findCapability(sets, 'share')?.nodeId, SERVER);
    const general = findCapability(sets, 'general');
    assert.equal(general?.extraFlags, 0x041d);
    assert.deepEqual([general?.refreshRectSupport, general?.suppressOutputSupport], [1, 1]);
    assert.deepEqual(findCapability(sets, 'virtualChannel'), { kind: 'virtualChannel', flags: 2, vcChunkSize: 0 });
    const bitmap = findCapability(sets, 'bitmap');
    assert.deepEqual([bitmap?.desktopWidth, bitmap?.desktopHeight, bitmap?.preferredBitsPerPixel], [1280, 1024, 24]);
    assert.equal(findCapability(sets, 'order')?.desktopSaveSize, 1_000_000);
    assert.equal(findCapability(sets, 'input')?.inputFlags, 0x35);
    assert.deepEqual(findCapability(sets, 'pointer'), {
      kind: 'pointer',
      colorPointerFlag: 1,
      colorPointerCacheSize: 25,
      pointerCacheSize: 25,
    });
    assertSetsSurvive(sets);
  });

  it('4.1.13 Client Confirm Active', () => {
    assert.equal(securedOf(dump('4.1.13')).data.length, dump('4.1.13/2').length);
    const { source, type, body } = sharePduOf(dump('4.1.13/2'));
    assert.deepEqual([type, source], [ShareControlType.confirmActive, USER]);
    const confirm = decodeConfirmActive(new ReadCursor(body, 'TS_CONFIRM_ACTIVE_PDU'));
    assert.equal(confirm.shareId, SHARE_ID);
    assert.equal(new TextDecoder().decode(confirm.sourceDescriptor), 'MSTSC\0');
    assert.equal(confirm.capabilitySets.length, 18);
    const encoded = written(sizeOfConfirmActive(confirm), (cursor) => encodeConfirmActive(confirm, cursor));
    const message = shareControlMessage(type, source, encoded);
    assert.deepEqual(message, dump('4.1.13/2'));

    const sets = confirm.capabilitySets.map(decodeCapabilitySet);
    assert.deepEqual(findCapability(sets, 'bitmapCacheRev2'), {
      kind: 'bitmapCacheRev2',
      cacheFlags: 3,
      cells: [
        { entries: 120, persistent: false },
        { entries: 120, persistent: false },
        { entries: 2555, persistent: true },
      ],
    });
    const glyphs = findCapability(sets, 'glyphCache');
    assert.deepEqual(glyphs?.glyphCache.at(-1), { entries: 64, maximumCellSize: 2048 });
    assert.deepEqual([glyphs?.fragCache, glyphs?.glyphSupportLevel], [0x01000100, 3]);
    assert.equal(findCapability(sets, 'order')?.textAnsiCodePage, 1252);
    assert.deepEqual(findCapability(sets, 'offscreenCache'), {
      kind: 'offscreenCache',
      offscreenSupportLevel: 1,
      offscreenCacheSize: 7680,
      offscreenCacheEntries: 100,
    });
    assertSetsSurvive(sets);
    // Without padding in them, the sets are what the example has to the byte.
    const padded = new Set(['input', 'virtualChannel']);
    for (const [i, set] of sets.entries()) {
      if (!padded.has(set.kind)) assert.deepEqual(encodeCapabilitySet(set), confirm.capabilitySets[i]);
    }
  });
});

describe('[MS-RDPBCGR] 4.1.14 to 4.1.22: connection finalization', () => {
  const { requestControl, grantedControl, cooperate } = ControlAction;
  const synchronize = (targetUser: number) => ({
    body: encodeSynchronize({ targetUser }),
    size: sizeOfSynchronize(),
    decoded: (cursor: ReadCursor) => assert.deepEqual(decodeSynchronize(cursor), { targetUser }),
  });
  const control = (action: number, grantId = 0, controlId = 0) => ({
    body: encodeControl({ action, grantId, controlId }),
    size: sizeOfControl(),
    decoded: (cursor: ReadCursor) => assert.deepEqual(decodeControl(cursor), { action, grantId, controlId }),
  });
  const font = (body: Uint8Array) => ({ body, size: sizeOfFontPdu(), decoded: () => {} });
  const examples = [
    ['4.1.14 Client Synchronize', USER, ShareDataType.synchronize, synchronize(SERVER)],
    ['4.1.15 Client Control, Cooperate', USER, ShareDataType.control, control(cooperate)],
    ['4.1.16 Client Control, Request Control', USER, ShareDataType.control, control(requestControl)],
    ['4.1.18 Client Font List', USER, ShareDataType.fontList, font(encodeFontList())],
    ['4.1.19 Server Synchronize, its targetUser uninitialised', SERVER, ShareDataType.synchronize, synchronize(0x4463)],
    ['4.1.20 Server Control, Cooperate', SERVER, ShareDataType.control, control(cooperate)],
    ['4.1.21 Server Control, Granted Control', SERVER, ShareDataType.control, control(grantedControl, USER, SERVER)],
    ['4.1.22 Server Font Map', SERVER, ShareDataType.fontMap, font(encodeFontMap())],
  ] as const;

  for (const [name, source, type, { body, size, decoded }] of examples) {
    it(name, () => {
      const section = name.split(' ')[0] ?? '';
      const secured = securedOf(dump(section));
      assert.ok(secured.flags & SecurityFlags.encrypt);
      const clear = dump(`${section}/2`);
      assert.equal(secured.data.length, clear.length);
      const pdu = shareDataOf(clear);
      assert.deepEqual(pdu, { source, shareId: SHARE_ID, type, compressedType: 0, body });
      assert.equal(size, body.length);
      decoded(new ReadCursor(pdu.body, name));
      const ours = shareDataMessage(type, SHARE_ID, source, body);
      // pad1, streamId, uncompressedLength: what a receiver has no use for, and these do not always set.
      const ignored = source === SERVER ? [10, 11, 12] : type === ShareDataType.fontList ? [12, 13] : [];
      assert.deepEqual(differences(ours, clear), ignored);
    });
  }

  it('4.1.17 Client Persistent Key List: framed, for the server to pass over', () => {
    const secured = securedOf(dump('4.1.17'));
    assert.equal(secured.data.length, dump('4.1.17/2').length);
    const pdu = shareDataOf(dump('4.1.17/2'));
    assert.equal(pdu.type, ShareDataType.bitmapCachePersistentList);
    // Ten counts, bBitMask and padding, then eight bytes a key: 25 in the third cache.
    const counts = new ReadCursor(pdu.body, 'TS_BITMAPCACHE_PERSISTENT_LIST');
    const entries = Array.from({ length: 10 }, () => counts.u16('numEntries'));
    assert.deepEqual(entries, [0, 0, 25, 0, 0, 0, 0, 25, 0, 0]);
    assert.equal(pdu.body.length, 10 * 2 + 4 + 25 * 8);
    const ours = shareDataMessage(pdu.type, SHARE_ID, USER, pdu.body);
    assert.deepEqual(differences(ours, dump('4.1.17/2')), [12], 'uncompressedLength, which this client leaves at zero');
  });
});

describe('[MS-RDPBCGR] 4.8: the sample RSA key pair', () => {
  const modulus = `37a870fe 9ab9a854 cb987944 7ab9eb38 06ea26a1 47ea1970 5df35288 7021b59e
    50b4e1f5 1ad82d51 4d1aad79 7c8946b0 cc667402 d8285d9d d7cafc60 0f38f9b3`;
  const privateExponent = `c107e7d4 d3388d36 f59e8b96 0d556508 2825a32e c768d644 852d32f6 72a89bba
    5e8282f0 5c0ceb6b 126aa745 15ce41e0 03e5e66d dffd5861 0b07a47b b3f37194`;

  it('encrypts and decrypts the sample client random', () => {
    const key = {
      modulus: littleEndian(modulus),
      exponent: 65537n,
      privateExponent: littleEndian(privateExponent),
      size: 64,
    };
    const clientRandom = new Uint8Array(32);
    clientRandom.set([0xff, 0xee]);
    clientRandom[31] = 0xff;
    const encrypted = encryptForServer(clientRandom, key);
    assert.equal(encrypted.length, 72);
    assert.notDeepEqual(encrypted.subarray(0, 32), clientRandom);
    assert.deepEqual(decryptByServer(encrypted, key, 32), clientRandom);
  });
});

function parameters(maxChannelIds: number, maxUserIds: number, maxTokenIds: number, maxMcsPduSize: number) {
  const fixed = { numPriorities: 1, minThroughput: 0, maxHeight: 1, protocolVersion: 2 };
  return { maxChannelIds, maxUserIds, maxTokenIds, maxMcsPduSize, ...fixed };
}

function written(size: number, write: (cursor: WriteCursor) => void): Uint8Array {
  const cursor = new WriteCursor(size);
  write(cursor);
  return cursor.finish();
}

/** Decoding what we encode gives the same set, and its size is what was said. */
function assertSetsSurvive(sets: readonly CapabilitySet[]): void {
  for (const set of sets) {
    const block = encodeCapabilitySet(set);
    assert.equal(block.data.length, sizeOfCapabilitySet(set));
    assert.deepEqual(decodeCapabilitySet(block), set);
  }
}

function littleEndian(hex: string): bigint {
  const bytes = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
  return BigInt(`0x${Buffer.from(concatBytes(bytes)).reverse().toString('hex')}`);
}
