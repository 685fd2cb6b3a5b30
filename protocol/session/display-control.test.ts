import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ChunkAssembler, encodeChunks } from '../channels/chunks.ts';
import { DISPLAY_CONTROL_CHANNEL, decodeDisplayControl, encodeDisplayControl } from '../channels/display-control.ts';
import { DynamicServer, type DynamicServerOutput } from '../channels/dynamic-server.ts';
import { DYNAMIC_CHANNELS } from '../connector/graphics-offer.ts';
import type { Share } from '../connector/types.ts';
import { ReadCursor } from '../core/cursor.ts';
import { decodeMcsPdu, sendDataIndication } from '../pdu/mcs-domain.ts';
import { decodeX224 } from '../pdu/x224.ts';
import { type ActiveOutput, ClientActiveStage } from './client-active-stage.ts';

const CHANNEL = 1004;
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

/** A client's active stage, and a server that serves dynamic channels only. */
class Pair {
  readonly stage = new ClientActiveStage({
    userId: 1007,
    ioChannelId: 1003,
    share: SHARE,
    channels: [{ ...DYNAMIC_CHANNELS, id: CHANNEL }],
    activate: () => assert.fail('nothing demands an activation'),
  });
  readonly server = new DynamicServer();
  readonly heard: DynamicServerOutput[] = [];
  readonly #assembler = new ChunkAssembler();

  down(messages: readonly Uint8Array[]): void {
    for (const message of messages) {
      for (const chunk of encodeChunks(message, undefined, true)) {
        const out: ActiveOutput[] = [];
        this.stage.receiveFrame(sendDataIndication(CHANNEL, chunk), out, 0);
        this.up(out);
      }
    }
  }

  up(outputs: readonly ActiveOutput[]): void {
    for (const output of outputs) {
      assert.ok(output.kind === 'send');
      const message = decodeX224(output.bytes);
      assert.ok(message.kind === 'data');
      const pdu = decodeMcsPdu(message.cursor);
      assert.ok(pdu.kind === 'sendDataRequest' && pdu.channelId === CHANNEL);
      const whole = this.#assembler.push(pdu.userData);
      if (whole !== undefined) this.server.process(whole, this.heard);
    }
  }

  /** The sizes that were asked for since the last call. */
  wishes(): (readonly number[])[] {
    return this.heard.splice(0).flatMap((output) => {
      if (output.kind !== 'message' || output.name !== DISPLAY_CONTROL_CHANNEL) return [];
      const pdu = decodeDisplayControl(new ReadCursor(output.data, 'test'));
      assert.ok(pdu.kind === 'monitor-layout');
      return pdu.layout.monitors.map(({ width, height }) => [width, height]);
    });
  }
}

describe('ClientActiveStage asks for another size', () => {
  const capabilities = encodeDisplayControl({
    kind: 'capabilities',
    capabilities: { maxMonitors: 1, areaFactorA: 8192, areaFactorB: 8192 },
  });

  it('as soon as the server has opened the channel, and again when it opens it anew', () => {
    const pair = new Pair();
    pair.up(pair.stage.resize(1280, 720));
    assert.deepEqual(pair.heard, []);
    pair.down(pair.server.start());
    pair.down(pair.server.open(DISPLAY_CONTROL_CHANNEL));
    assert.deepEqual(pair.wishes(), []);
    pair.down(pair.server.send(DISPLAY_CONTROL_CHANNEL, capabilities));
    assert.deepEqual(pair.wishes(), [[1280, 720]]);
    pair.up(pair.stage.resize(1024, 768));
    assert.deepEqual(pair.wishes(), [[1024, 768]]);

    // A server may close its channels with the old desktop and open them with the new one.
    pair.down(pair.server.close(DISPLAY_CONTROL_CHANNEL));
    pair.up(pair.stage.resize(1600, 900));
    assert.deepEqual(pair.wishes(), []);
    pair.down(pair.server.open(DISPLAY_CONTROL_CHANNEL));
    pair.down(pair.server.send(DISPLAY_CONTROL_CHANNEL, capabilities));
    assert.deepEqual(pair.wishes(), [[1600, 900]]);
  });

  it('nowhere, where the session has no dynamic channels', () => {
    const stage = new ClientActiveStage({
      ...{ userId: 1007, ioChannelId: 1003, share: SHARE },
      activate: () => assert.fail('nothing demands an activation'),
    });
    assert.deepEqual(stage.resize(1280, 720), []);
  });
});
