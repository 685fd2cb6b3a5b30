import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import { nodeCrypto } from '../core/testing/node-crypto.ts';
import { ErrorInfo, encodeSetErrorInfo } from '../pdu/error-info.ts';
import { DisconnectReason, mcsMessage, sendDataIndication } from '../pdu/mcs-domain.ts';
import { encodeConnectionConfirm, SecurityProtocol } from '../pdu/nego.ts';
import { encodePlainNotify } from '../pdu/save-session-info.ts';
import { SERVER_CHANNEL_ID, ShareDataType, shareDataMessage } from '../pdu/share.ts';
import type { ClientConnector } from './client-connector.ts';
import { ConnectError } from './connect-error.ts';
import { ServerAcceptor } from './server-acceptor.ts';
import { NOW, negotiationRequest, PEER, sent, started, TLS } from './testing/handshake.ts';

describe('ClientConnector, last phase', () => {
  const FAST_PATH = Uint8Array.of(0, 5, 5, 0, 0);
  const notify = sendDataIndication(
    1003,
    shareDataMessage(ShareDataType.saveSessionInfo, 0x103ea, SERVER_CHANNEL_ID, encodePlainNotify()),
  );

  it('hands early and left-over frames to the active stage, in order', () => {
    const { connector, answers } = finalizing();
    const channelData = sendDataIndication(1009, Uint8Array.of(1, 2, 3));
    connector.receive(concatBytes(FAST_PATH, notify), NOW);
    const tail = FAST_PATH.subarray(0, 3);
    const [output] = connector.receive(concatBytes(channelData, ...answers, FAST_PATH, tail), NOW);
    assert.equal(output?.kind, 'connected');
    const { pending } = output.result;
    assert.deepEqual(pending, concatBytes(FAST_PATH, notify, channelData, FAST_PATH, tail));
  });

  it('reports what the server said before it closed', () => {
    const { connector } = finalizing();
    const body = encodeSetErrorInfo({ errorInfo: ErrorInfo.disconnectedByOtherConnection });
    const info = sendDataIndication(
      1003,
      shareDataMessage(ShareDataType.setErrorInfo, 0x103ea, SERVER_CHANNEL_ID, body),
    );
    connector.receive(info, NOW);
    assert.equal(connector.explainClose().errorInfo, ErrorInfo.disconnectedByOtherConnection);
    const ultimatum = mcsMessage({ kind: 'disconnectProviderUltimatum', reason: DisconnectReason.providerInitiated });
    assert.throws(
      () => connector.receive(ultimatum, NOW),
      (error) => error instanceof ConnectError && error.errorInfo === ErrorInfo.disconnectedByOtherConnection,
    );
  });

  it('hands on what the server said of an end that is to come', () => {
    const { connector, answers } = finalizing();
    const body = encodeSetErrorInfo({ errorInfo: ErrorInfo.logoffByUser });
    const info = shareDataMessage(ShareDataType.setErrorInfo, 0x103ea, SERVER_CHANNEL_ID, body);
    connector.receive(sendDataIndication(1003, info), NOW);
    const output = connector.receive(concatBytes(...answers), NOW).at(-1);
    assert.equal(output?.kind === 'connected' && output.result.errorInfo, ErrorInfo.logoffByUser);
  });

  it('tells a close in silence from one that the server told of', () => {
    assert.equal(finalizing().connector.explainClose().code, 'closed_silently');
    const { connector } = finalizing();
    const ultimatum = mcsMessage({ kind: 'disconnectProviderUltimatum', reason: DisconnectReason.providerInitiated });
    assert.throws(() => connector.receive(ultimatum, NOW), { code: 'server_closed' });
  });

  it('bounds what it keeps for the active stage', () => {
    const { connector } = finalizing();
    const frame = new Uint8Array(0x7fff);
    frame.set([0, 0xff, 0xff]);
    assert.throws(
      () => {
        for (let i = 0; i < 1000; i++) connector.receive(frame, NOW);
      },
      (error) => error instanceof DecodeError && error.code === 'limit_exceeded',
    );
  });

  it('starts over when the server does', () => {
    const { connector, answers } = finalizing();
    connector.receive(FAST_PATH, NOW);
    const deactivate = sendDataIndication(1003, Uint8Array.of(13, 0, 0x16, 0, 0xea, 3, 0xea, 3, 1, 0, 1, 0, 0));
    connector.receive(deactivate, NOW);
    assert.equal(connector.stateName, 'capabilities-exchange');
    // The Font Map of the share that is gone does not end the sequence.
    assert.deepEqual(connector.receive(concatBytes(...answers), NOW), []);
    assert.equal(connector.stateName, 'capabilities-exchange');
  });

  it('keeps what came on channels when the server starts over, and no pictures', () => {
    const { connector, demand, answers } = finalizing();
    const channelData = sendDataIndication(1009, Uint8Array.of(1, 2, 3));
    connector.receive(concatBytes(FAST_PATH, channelData, FAST_PATH, notify), NOW);
    const deactivate = sendDataIndication(1003, Uint8Array.of(13, 0, 0x16, 0, 0xea, 3, 0xea, 3, 1, 0, 1, 0, 0));
    connector.receive(concatBytes(deactivate, demand), NOW);
    const output = connector.receive(concatBytes(...answers), NOW).at(-1);
    assert.equal(output?.kind, 'connected');
    assert.deepEqual(output.result.pending, concatBytes(channelData, notify));
  });
});

/** A client over TLS just after its Client Info, with what a server sends it at hand. */
function finalizing(): { connector: ClientConnector; demand: Uint8Array; answers: Uint8Array[] } {
  const connector = started({ nla: 'never' });
  const acceptor = new ServerAcceptor({ computerName: 'DEMO', tls: TLS }, nodeCrypto);
  acceptor.receive(negotiationRequest(), NOW);
  acceptor.tlsEstablished(PEER, NOW);
  connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
  let toServer = sent(connector.tlsEstablished(PEER, NOW));
  for (;;) {
    const answers = sent(acceptor.receive(concatBytes(...toServer), NOW));
    if (connector.stateName === 'licensing') {
      // License and Demand Active go to the client; the finalization's answers stay with us.
      const finalization = sent(connector.receive(concatBytes(...answers), NOW));
      const demand = answers.at(-1) ?? assert.fail('no Demand Active');
      return { connector, demand, answers: sent(acceptor.receive(concatBytes(...finalization), NOW)) };
    }
    toServer = sent(connector.receive(concatBytes(...answers), NOW));
  }
}
