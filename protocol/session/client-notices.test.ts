import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Share } from '../connector/types.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { sendDataIndication } from '../pdu/mcs-domain.ts';
import { decodeMonitorLayout, encodeMonitorLayout, sizeOfMonitorLayout } from '../pdu/monitor-layout.ts';
import { decodeSaveSessionInfo, encodeLogonInfoExtended } from '../pdu/save-session-info.ts';
import { encodeEnhancedRedirection, RedirectionFlags } from '../pdu/server-redirection.ts';
import { ShareControlType, ShareDataType, shareControlMessage, shareDataMessage } from '../pdu/share.ts';
import { type ActiveOutput, ClientActiveStage } from './client-active-stage.ts';

const IO = 1003;
const SERVER = 0x3ea;
const SHARE: Share = {
  shareId: 1,
  width: 800,
  height: 600,
  colorDepth: 32,
  fastPathInput: true,
  unicodeInput: true,
  extendedButtons: true,
  horizontalWheel: true,
  refreshRect: true,
  suppressOutput: true,
  maxUpdateSize: 1000,
  serverCapabilities: [],
};

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function stage(): ClientActiveStage {
  const activate = () => assert.fail('nothing demands an activation');
  return new ClientActiveStage({ userId: 1007, ioChannelId: IO, share: SHARE, activate });
}

function outputsOf(userData: Uint8Array): ActiveOutput[] {
  const out: ActiveOutput[] = [];
  stage().receiveFrame(sendDataIndication(IO, userData), out, 0);
  return out;
}

function data(type: number, body: string): Uint8Array {
  return shareDataMessage(type, SHARE.shareId, SERVER, hex(body));
}

describe('what a server says beside its pictures', () => {
  it('toggle keys', () => {
    const lockKeys = { scrollLock: false, numLock: true, capsLock: true, kanaLock: false };
    assert.deepEqual(outputsOf(data(ShareDataType.setKeyboardIndicators, '0000 0600')), [
      { kind: 'lock-keys', lockKeys },
    ]);
    assert.throws(() => outputsOf(data(ShareDataType.setKeyboardIndicators, '0000')), DecodeError);
  });

  it('the secret for an automatic reconnection, as a copy', () => {
    const bits = '000102030405060708090a0b0c0d0e0f';
    const body = `03000000 2600 01000000 1c000000 1c000000 01000000 02000000 ${bits}`;
    const frame = sendDataIndication(IO, data(ShareDataType.saveSessionInfo, body));
    const out: ActiveOutput[] = [];
    stage().receiveFrame(frame, out, 0);
    frame.fill(0xff);
    assert.deepEqual(out, [{ kind: 'auto-reconnect', secret: { logonId: 2, randomBits: hex(bits) } }]);
  });

  it('both together, as our server writes them', () => {
    const autoReconnect = { logonId: 2, randomBits: new Uint8Array(16).fill(7) };
    const logonError = { type: 0xc000006d, data: 0 };
    const bits = '07'.repeat(16);
    const arc = `1c000000 1c000000 01000000 02000000 ${bits}`;
    const error = '08000000 6d0000c0 00000000';
    for (const [info, text] of [
      [{ autoReconnect, logonError }, `03000000 3200 03000000 ${arc} ${error}`],
      [{ autoReconnect }, `03000000 2600 01000000 ${arc}`],
      [{ logonError }, `03000000 1200 02000000 ${error}`],
    ] as const) {
      const body = encodeLogonInfoExtended(info);
      assert.deepEqual(body, hex(`${text}${'00'.repeat(570)}`));
      const decoded = decodeSaveSessionInfo(new ReadCursor(body, 'test'));
      assert.deepEqual(decoded, { kind: 'extended', ...info });
    }
  });

  it('that such a secret was no good', () => {
    const outputs = outputsOf(data(ShareDataType.arcStatus, '00000000'));
    assert.deepEqual(outputs, [{ kind: 'auto-reconnect', secret: undefined }]);
    assert.deepEqual(outputsOf(data(ShareDataType.playSound, '00000000 00000000')), []);
  });

  it('how far a broker has got', () => {
    const noticeOf = (status: string) =>
      outputsOf(data(ShareDataType.statusInfo, status)).map((output) =>
        output.kind === 'logon-notice' ? output.notice.code : output.kind,
      );
    assert.deepEqual(noticeOf('01040000'), ['status_finding']);
    assert.deepEqual(noticeOf('03050000'), ['status_starting']);
    assert.deepEqual(noticeOf('06050000'), []);
    assert.throws(() => noticeOf('0104'), DecodeError);
  });

  it('why a logon is not done yet', () => {
    const codeOf = (type: string, errorData: string) => {
      const body = `03000000 1200 02000000 08000000 ${type} ${errorData}`;
      return outputsOf(data(ShareDataType.saveSessionInfo, body)).map((output) =>
        output.kind === 'logon-notice' ? output.notice.code : output.kind,
      );
    };
    assert.deepEqual(codeOf('6d0000c0', '00000000'), ['logon_bad_password']);
    assert.deepEqual(codeOf('6d0000c0', '01000000'), ['logon_update_password']);
    assert.deepEqual(codeOf('faffffff', '05000000'), ['logon_no_permission']);
    assert.deepEqual(codeOf('fbffffff', '05000000'), ['logon_session_taken']);
    // Not NTSTATUS values either; the second is a session's number, no code.
    assert.deepEqual(codeOf('f8ffffff', '00000000'), ['logon_session_taken']);
    assert.deepEqual(codeOf('ffffffff', '05000000'), ['logon_failed']);
    // The session goes on: nothing that anybody has to know.
    assert.deepEqual(codeOf('feffffff', '05000000'), []);
  });

  it('a redirection, by routing token', () => {
    const packet = encodeEnhancedRedirection({
      sessionId: 3,
      flags: 0,
      targetFqdn: 'host7.lab.example',
      loadBalanceInfo: new TextEncoder().encode('Cookie: msts=117440522.15629.0000\r\n'),
    });
    const [output, ...more] = outputsOf(shareControlMessage(ShareControlType.serverRedirect, SERVER, packet));
    assert.deepEqual(more, []);
    assert.deepEqual(output, {
      kind: 'redirect',
      redirection: {
        hosts: [],
        changes: {
          redirected: { sessionId: 3 },
          routing: { kind: 'token', value: 'Cookie: msts=117440522.15629.0000' },
        },
      },
    });
  });

  it('a redirection that only informs, and one that is cut off', () => {
    const informs = encodeEnhancedRedirection({ sessionId: 3, flags: RedirectionFlags.noRedirect });
    assert.deepEqual(outputsOf(shareControlMessage(ShareControlType.serverRedirect, SERVER, informs)), []);
    const cut = shareControlMessage(ShareControlType.serverRedirect, SERVER, informs.subarray(0, 8));
    assert.throws(() => outputsOf(cut), DecodeError);
  });
});

describe('TS_MONITOR_LAYOUT_PDU', () => {
  const BYTES = hex(
    '02000000 00000000 00000000 7f070000 37040000 01000000 00fbffff 00000000 ffffffff ff030000 00000000',
  );
  const LAYOUT = {
    monitors: [
      { left: 0, top: 0, right: 1919, bottom: 1079, flags: 1 },
      { left: -1280, top: 0, right: -1, bottom: 1023, flags: 0 },
    ],
  };

  it('decodes and encodes', () => {
    assert.deepEqual(decodeMonitorLayout(new ReadCursor(BYTES, 'test')), LAYOUT);
    const cursor = new WriteCursor(sizeOfMonitorLayout(LAYOUT));
    encodeMonitorLayout(LAYOUT, cursor);
    assert.deepEqual(cursor.finish(), BYTES);
  });

  it('bounds the number of monitors', () => {
    assert.throws(() => decodeMonitorLayout(new ReadCursor(hex('41000000'), 'test')), /monitors/);
  });
});
