import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServerConfig } from '../connector/server-types.ts';
import { PEER } from '../connector/testing/handshake.ts';
import type { ClientConfig } from '../connector/types.ts';
import { concatBytes } from '../core/bytes.ts';
import { nodeCrypto } from '../core/testing/node-crypto.ts';
import { UpdateCode } from '../graphics/update.ts';
import { ErrorInfo } from '../pdu/error-info.ts';
import { encodeFastPathUpdate, Fragmentation } from '../pdu/fast-path.ts';
import { sendDataIndication } from '../pdu/mcs-domain.ts';
import { ShareDataType, shareControlMessage, shareDataMessage } from '../pdu/share.ts';
import { findFrameSize } from '../pdu/tpkt.ts';
import { type ClientOutput, RdpClient } from './rdp-client.ts';
import { RdpServer, type ServerOutput } from './rdp-server.ts';

/**
 * Servers that say more than they have to, at any moment from licensing on: what a client may ignore changes nothing.
 */

const NOW = Date.UTC(2026, 0, 1);
const IO = 1003;
const CONFIG: ClientConfig = {
  ...{ host: 'demo', username: 'eve', password: 'secret', domain: '', width: 800, height: 600, colorDepth: 32 },
  ...{ nla: 'never', keyboardLayout: 0x409, clientName: 'test', autoDetect: true },
};
const SERVER: ServerConfig = { computerName: 'DEMO', tls: { authenticate: () => true } };

const data = (type: number, body: Uint8Array) => sendDataIndication(IO, shareDataMessage(type, 0x103ea, 0x3ea, body));
const bytes = (...values: number[]) => Uint8Array.from(values);
const fast = (code: number, body: Uint8Array) =>
  encodeFastPathUpdate({ code, fragmentation: Fragmentation.single, data: body });

/** From licensing on. */
const NEEDLESS: Readonly<Record<string, Uint8Array>> = {
  'an empty Send Data Indication': sendDataIndication(IO, bytes()),
  'a Share Data PDU that nobody knows': data(99, bytes(1, 2, 3)),
  'a Share Data PDU without a body': data(98, bytes()),
  'Play Sound': data(ShareDataType.playSound, new Uint8Array(8)),
  'Set Keyboard IME Status': data(ShareDataType.setKeyboardImeStatus, new Uint8Array(10)),
  'Shutdown Denied': data(ShareDataType.shutdownDenied, bytes()),
  'Monitor Layout': data(ShareDataType.monitorLayout, new Uint8Array(4)),
  'a second Synchronize': data(ShareDataType.synchronize, bytes(1, 0, 0xef, 3)),
  'a second Control': data(ShareDataType.control, bytes(2, 0, 0xef, 3, 0xea, 3, 0, 0)),
  'session info that nobody knows': data(ShareDataType.saveSessionInfo, bytes(77, 0, 0, 0)),
  'a status that nobody knows': data(ShareDataType.statusInfo, bytes(0x99, 9, 0, 0)),
  'drawing orders': data(ShareDataType.update, bytes(0, 0, 0, 0, 1, 0, 0, 0, 9, 9)),
  'an update that nobody knows': data(ShareDataType.update, bytes(77, 0, 0, 0)),
  'a pointer that nobody knows': data(ShareDataType.pointer, bytes(77, 0, 0, 0)),
  'data on a channel that nobody has': sendDataIndication(1900, bytes(1, 2, 3)),
};

/** From the capabilities on: before them a server sends nothing of the kind. */
const NEEDLESS_LATER: Readonly<Record<string, Uint8Array>> = {
  'a Flow PDU': sendDataIndication(IO, bytes(0, 0x80, 0x42, 0, 0, 0, 0xea, 3)),
  'a Share Control PDU that nobody knows': sendDataIndication(IO, shareControlMessage(0xf, 0x3ea, bytes(1, 2, 3))),
  'two PDUs in one, and padding': sendDataIndication(
    IO,
    concatBytes(shareControlMessage(0xf, 0x3ea, bytes()), shareDataMessage(97, 0, 0, bytes(1)), bytes(0, 0)),
  ),
  'drawing orders on the fast path': fast(UpdateCode.orders, bytes(0, 0)),
  'a fast-path PDU without an update': bytes(0, 2),
};

describe('RdpClient and a server that says more than it has to', () => {
  const { frames, phases } = record();
  const wanted = told(frames);

  it('is fed what one says that does not', () => {
    assert.deepEqual(
      wanted
        .map((output) => (typeof output === 'string' ? 'send' : output))
        .filter((output) => output !== 'send')
        .at(-1),
      {
        kind: 'closed',
        reason: {
          ...{ code: 'logged_off', message: 'You logged off from the desktop.' },
          ...{ errorInfo: ErrorInfo.logoffByUser, errorName: 'logoff_by_user' },
        },
      },
    );
  });

  for (const [phase, needless] of [
    ['licensing', NEEDLESS],
    ['capabilities', NEEDLESS_LATER],
  ] as const) {
    for (const [what, frame] of Object.entries(needless)) {
      it(`${what}, at any moment from ${phase} on`, () => {
        for (let at = phases.get(phase) ?? assert.fail(phase); at < frames.length; at++) {
          const odd = [...frames.slice(0, at), frame, ...frames.slice(at)];
          assert.deepEqual(told(odd), wanted, `in front of frame ${at} of ${frames.length}`);
        }
      });
    }
  }
});

/** A whole session, frame by frame: logon, a picture, another size, another picture, the end; and where phases begin. */
function record() {
  const client = new RdpClient(CONFIG, nodeCrypto);
  const server = new RdpServer(SERVER, nodeCrypto);
  const frames: Uint8Array[] = [];
  const phases = new Map<string, number>();
  let toServer: Uint8Array[] = [];
  const up = (outputs: readonly ClientOutput[]) => {
    for (const output of outputs) {
      if (output.kind === 'send') toServer.push(output.bytes);
      else if (output.kind === 'phase') phases.set(output.phase, frames.length);
      else if (output.kind === 'start-tls') server.tlsEstablished(PEER, NOW);
    }
  };
  const down = (outputs: readonly ServerOutput[]) => {
    for (const output of outputs) {
      if (output.kind !== 'send') continue;
      frames.push(...framesOf(output.bytes));
      up(client.receive(output.bytes, NOW));
      if (frames.length === 1) up(client.tlsEstablished(PEER, NOW));
    }
  };
  const carry = () => {
    while (toServer.length > 0) {
      const bytes = concatBytes(...toServer);
      toServer = [];
      down(server.receive(bytes, NOW));
    }
  };
  up(client.start());
  carry();
  down(server.update(UpdateCode.bitmap, new Uint8Array(9_000).fill(7)));
  down(server.resize(640, 480));
  carry();
  down(server.update(UpdateCode.bitmap, new Uint8Array(9).fill(5)));
  down(server.disconnect(ErrorInfo.logoffByUser));
  carry();
  return { frames, phases };
}

function framesOf(sent: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < sent.length; ) {
    const size = findFrameSize(sent, at) ?? assert.fail('half a frame');
    frames.push(sent.subarray(at, at + size));
    at += size;
  }
  return frames;
}

/** What a client that is fed these frames says and sends. */
function told(frames: readonly Uint8Array[]): unknown[] {
  const client = new RdpClient(CONFIG, nodeCrypto);
  const outputs: unknown[] = [];
  const take = (some: readonly ClientOutput[]) => {
    for (const output of some) {
      if (output.kind === 'graphics') {
        outputs.push({ code: output.update.code, data: Buffer.from(output.update.data).toString('hex').slice(0, 99) });
      } else if (output.kind === 'send') outputs.push(Buffer.from(output.bytes).toString('hex'));
      else outputs.push(output);
    }
  };
  take(client.start());
  for (const [i, frame] of frames.entries()) {
    take(client.receive(frame, NOW));
    if (i === 0) take(client.tlsEstablished(PEER, NOW));
  }
  return outputs;
}
