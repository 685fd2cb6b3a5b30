/**
 * [MS-RDPBCGR] 4.2 to 4.7: disconnection, Save Session Info, virtual channel data, server redirection, fast-path input.
 * As in rdpbcgr-connection.test.ts, what is encrypted is held to its framing, and its clear text decoded on its own.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ChunkAssembler, encodeChunks } from '../../protocol/channels/chunks.ts';
import { redirectionOf } from '../../protocol/connector/redirection.ts';
import { concatBytes } from '../../protocol/core/bytes.ts';
import { ReadCursor } from '../../protocol/core/cursor.ts';
import { DecodeError } from '../../protocol/core/errors.ts';
import { decodeFastPathInput, encodeFastPathInput } from '../../protocol/pdu/fast-path-input.ts';
import { DisconnectReason, mcsMessage, sizeOfMcsPdu } from '../../protocol/pdu/mcs-domain.ts';
import { decodeSaveSessionInfo, encodePlainNotify, sizeOfPlainNotify } from '../../protocol/pdu/save-session-info.ts';
import { SecurityFlags } from '../../protocol/pdu/security-header.ts';
import {
  decodeEnhancedRedirection,
  decodeServerRedirection,
  encodeEnhancedRedirection,
  RedirectionFlags,
  type ServerRedirection,
  sizeOfServerRedirection,
} from '../../protocol/pdu/server-redirection.ts';
import { ShareControlType, ShareDataType, shareControlMessage, shareDataMessage } from '../../protocol/pdu/share.ts';
import { findFrameSize } from '../../protocol/pdu/tpkt.ts';
import { DATA_HEADER_SIZE } from '../../protocol/pdu/x224.ts';
import { differences, mcsOf, securedOf, shareDataOf, sharePduOf } from './decode.ts';
import { specificationDumps } from './dumps.ts';

const dump = specificationDumps('ms-rdpbcgr');

const USER = 1007;
const SERVER = 1002;
const IO = 1003;
const SHARE_ID = 0x203ea;
const { encrypt, secureChecksum, redirectionPacket } = SecurityFlags;

describe('[MS-RDPBCGR] 4.2: disconnection by the user', () => {
  it('4.2.1 Client Shutdown Request', () => {
    const { pdu, flags, data } = securedOf(dump('4.2.1'));
    assert.deepEqual([pdu.kind, pdu.initiator, pdu.channelId], ['sendDataRequest', USER, IO]);
    // The annotation names SEC_ENCRYPT only; the bytes have the other flag, too.
    assert.equal(flags, encrypt | secureChecksum);
    assert.equal(data.length, dump('4.2.1/2').length);
    const none = new Uint8Array(0);
    const expected = { source: USER, shareId: SHARE_ID, type: ShareDataType.shutdownRequest, compressedType: 0 };
    assert.deepEqual(shareDataOf(dump('4.2.1/2')), { ...expected, body: none });
    assert.deepEqual(shareDataMessage(ShareDataType.shutdownRequest, SHARE_ID, USER, none), dump('4.2.1/2'));
  });

  it('4.2.2 Server Shutdown Request Denied: the dump is eight bytes longer than its TPKT header says', () => {
    const packet = dump('4.2.2');
    assert.equal(findFrameSize(packet), 36);
    assert.throws(() => mcsOf(packet.subarray(0, 36)), DecodeError);
    packet[3] = packet.length;
    assert.equal(securedOf(packet).data.length, dump('4.2.2/2').length);
    const pdu = shareDataOf(dump('4.2.2/2'));
    assert.deepEqual([pdu.type, pdu.source, pdu.shareId], [ShareDataType.shutdownDenied, SERVER, SHARE_ID]);
    const ours = shareDataMessage(ShareDataType.shutdownDenied, SHARE_ID, SERVER, pdu.body);
    // pad1, streamId, and what uncompressedLength counts.
    assert.deepEqual(differences(ours, dump('4.2.2/2')), [10, 11, 12]);
  });

  it('4.2.3 MCS Disconnect Provider Ultimatum', () => {
    const pdu = { kind: 'disconnectProviderUltimatum', reason: DisconnectReason.userRequested } as const;
    assert.deepEqual(mcsOf(dump('4.2.3')), pdu);
    assert.deepEqual(mcsMessage(pdu), dump('4.2.3'));
    assert.equal(DATA_HEADER_SIZE + sizeOfMcsPdu(pdu), dump('4.2.3').length);
  });
});

describe('[MS-RDPBCGR] 4.3: Save Session Info', () => {
  const infoOf = (section: string) => {
    const { pdu, flags, data } = securedOf(dump(section));
    assert.deepEqual([pdu.kind, pdu.initiator, pdu.channelId], ['sendDataIndication', SERVER, IO]);
    assert.equal(flags, encrypt | secureChecksum);
    const clear = dump(`${section}/2`);
    assert.equal(data.length, clear.length);
    const { type, body } = shareDataOf(clear);
    assert.equal(type, ShareDataType.saveSessionInfo);
    return { body, info: decodeSaveSessionInfo(new ReadCursor(body, 'TS_SAVE_SESSION_INFO_PDU_DATA')) };
  };

  it('4.3.1 Logon Info Version 2', () => {
    assert.deepEqual(infoOf('4.3.1').info, { kind: 'logon', domain: 'NTDEV', username: 'eltons', sessionId: 2 });
  });

  it('4.3.2 Plain Notify', () => {
    const { body, info } = infoOf('4.3.2');
    assert.deepEqual(info, { kind: 'plain-notify' });
    assert.deepEqual(encodePlainNotify(), body);
    assert.equal(sizeOfPlainNotify(), body.length);
  });

  it('4.3.3 Logon Info Extended: the auto-reconnect cookie', () => {
    const randomBits = Uint8Array.from(Buffer.from('a802e725e24c82b752a553503498a1a8', 'hex'));
    assert.deepEqual(infoOf('4.3.3').info, { kind: 'extended', autoReconnect: { logonId: 2, randomBits } });
  });
});

describe('[MS-RDPBCGR] 4.4: Server-to-Client Virtual Channel PDU', () => {
  it('4.4 a chunk for cliprdr, sent with low priority', () => {
    const packet = dump('4.4');
    assert.equal(findFrameSize(packet), 46, 'the dump says so; its annotation has the 42 that are there');
    packet[3] = packet.length;
    const { pdu, flags, data } = securedOf(packet);
    assert.deepEqual([pdu.kind, pdu.channelId], ['sendDataIndication', 1005]);
    assert.equal(flags, encrypt | secureChecksum);
    const clear = dump('4.4/2');
    assert.equal(data.length, clear.length);
    const message = new ChunkAssembler().push(clear);
    assert.deepEqual(message, clear.subarray(8));
    assert.deepEqual(encodeChunks(clear.subarray(8)), [clear]);
  });
});

describe('[MS-RDPBCGR] 4.5, 4.6: server redirection', () => {
  const expected = (packet: ServerRedirection): ServerRedirection => {
    const f = RedirectionFlags;
    const { password } = packet;
    assert.equal(password?.length, 120);
    return {
      sessionId: 2,
      flags:
        f.targetNetAddress |
        f.userName |
        f.domain |
        f.password |
        f.targetFqdn |
        f.targetNetBiosName |
        f.targetNetAddresses,
      targetNetAddress: '2001:4898:2b:2:9de7:4569:fb39:ef29',
      userName: 'administrator',
      domain: 'TS-STRESS1',
      password: password ?? new Uint8Array(0),
      targetFqdn: 'jiazou-test2.ts-stress1.nttest.microsoft.com',
      targetNetBiosName: 'JIAZOU-TEST2',
      targetNetAddresses: ['2001:4898:2b:2:9de7:4569:fb39:ef29', '157.59.240.144'],
    };
  };

  it('4.5 Standard Security Server Redirection: encrypted, though SEC_ENCRYPT is not among its flags', () => {
    const { flags, data } = securedOf(dump('4.5'));
    assert.equal(flags, secureChecksum | redirectionPacket);
    const clear = dump('4.5/2');
    assert.equal(data.length, clear.length);
    const packet = decodeServerRedirection(new ReadCursor(clear, 'RDP_SERVER_REDIRECTION_PACKET'));
    assert.deepEqual(packet, expected(packet));
    assert.equal(sizeOfServerRedirection(packet), clear.length);
  });

  it('4.6 Enhanced Security Server Redirection, whole', () => {
    const pdu = mcsOf(dump('4.6'));
    assert.ok(pdu.kind === 'sendDataIndication' && pdu.channelId === IO);
    const share = sharePduOf(pdu.userData);
    assert.deepEqual([share.type, share.source], [ShareControlType.serverRedirect, SERVER]);
    const packet = decodeEnhancedRedirection(new ReadCursor(share.body, 'RDP_SERVER_REDIRECTION_PACKET'));
    assert.deepEqual(packet, expected(packet));
    const body = encodeEnhancedRedirection(packet);
    const ours = concatBytes(shareControlMessage(share.type, share.source, body), Uint8Array.of(0));
    // Only the total length, pad2Octets and Pad differ: ours has no pad1Octet, and its padding is zero.
    const padding = [0, 6, 7, ...Array.from({ length: 8 }, (_, i) => ours.length - 9 + i)];
    assert.deepEqual(differences(ours, pdu.userData), padding);
  });

  it('4.6 goes to the name, then the addresses', () => {
    const pdu = mcsOf(dump('4.6'));
    assert.ok(pdu.kind === 'sendDataIndication');
    const { body } = sharePduOf(pdu.userData);
    const redirection = redirectionOf(decodeEnhancedRedirection(new ReadCursor(body, 'RDP_SERVER_REDIRECTION_PACKET')));
    assert.deepEqual(redirection?.hosts, [
      'jiazou-test2.ts-stress1.nttest.microsoft.com',
      '2001:4898:2b:2:9de7:4569:fb39:ef29',
      '157.59.240.144',
      'JIAZOU-TEST2',
    ]);
    assert.equal(redirection?.changes.username, 'administrator');
    assert.equal(redirection?.changes.domain, 'TS-STRESS1');
  });
});

describe('[MS-RDPBCGR] 4.7: Fast-Path Input Event PDU', () => {
  it('4.7 a mouse movement', () => {
    const packet = dump('4.7');
    assert.equal(findFrameSize(packet), packet.length);
    const events = [{ kind: 'mouse-move', x: 683, y: 367 }] as const;
    const clear = dump('4.7/2');
    // Header, length and MAC around the encrypted events; over TLS the header has no flags and there is no MAC.
    assert.equal(packet.length, 2 + 8 + clear.length);
    const overTls = concatBytes(Uint8Array.of((packet[0] ?? 0) & 0x3f, 2 + clear.length), clear);
    assert.deepEqual(decodeFastPathInput(overTls), events);
    assert.deepEqual(encodeFastPathInput(events), [overTls]);
  });
});
