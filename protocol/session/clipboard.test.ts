import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeChunks } from '../channels/chunks.ts';
import type { ClipboardOutput } from '../channels/cliprdr/clipboard-channel.ts';
import { FormatName, StandardFormat } from '../channels/cliprdr/format-list.ts';
import { encodeClipboardPdu, MAX_CLIPBOARD_MESSAGE } from '../channels/cliprdr/pdu.ts';
import { decodeClipboardText, encodeClipboardText } from '../channels/cliprdr/text.ts';
import { CLIPBOARD } from '../connector/clipboard-offer.ts';
import type { Share } from '../connector/types.ts';
import { sendDataIndication } from '../pdu/mcs-domain.ts';
import { type ActiveOutput, ClientActiveStage } from './client-active-stage.ts';
import { type ServerActiveOutput, ServerActiveStage } from './server-active-stage.ts';

const CHANNEL = 1005;
const IDS = { userId: 1007, ioChannelId: 1003, channels: [{ ...CLIPBOARD, id: CHANNEL }] };
const SHARE: Share = {
  ...{ shareId: 1, width: 800, height: 600, colorDepth: 32, fastPathInput: true, unicodeInput: true },
  ...{ extendedButtons: true, horizontalWheel: true, refreshRect: true, suppressOutput: true, maxUpdateSize: 1000 },
  serverCapabilities: [],
};
const TEXT = [{ id: StandardFormat.unicodeText, name: '' }];

/** Both ends of a session, and what each heard of the other's clipboard. Data is copied. */
class Pair {
  readonly client = new ClientActiveStage({
    ...{ ...IDS, share: SHARE },
    activate: () => assert.fail('nothing demands an activation'),
  });
  readonly server = new ServerActiveStage({
    ...IDS,
    share: { ...SHARE, colorDepth: 32, maxUpdateSize: 1000 } as never,
    demand: () => assert.fail('nothing is demanded'),
    agree: () => assert.fail('nothing is demanded'),
  });
  readonly atClient: ClipboardOutput[] = [];
  readonly atServer: ClipboardOutput[] = [];

  up(outputs: readonly ActiveOutput[]): void {
    for (const output of outputs) {
      if (output.kind !== 'send') this.atClient.push(copy(output as ClipboardOutput));
      else {
        const heard: ServerActiveOutput[] = [];
        this.server.receiveFrame(output.bytes, heard, 0);
        this.down(heard);
      }
    }
  }

  down(outputs: readonly ServerActiveOutput[]): void {
    for (const output of outputs) {
      if (output.kind !== 'send') this.atServer.push(copy(output as ClipboardOutput));
      else {
        const heard: ActiveOutput[] = [];
        this.client.receiveFrame(output.bytes, heard, 0);
        this.up(heard);
      }
    }
  }

  /** What each heard since the last call. */
  heard(): { readonly client: readonly ClipboardOutput[]; readonly server: readonly ClipboardOutput[] } {
    return { client: this.atClient.splice(0), server: this.atServer.splice(0) };
  }
}

const READY = { kind: 'clipboard-ready', files: true, locks: true, hugeFiles: true } as const;

describe('a clipboard between client and server', () => {
  it('begins with what both can do and what the client has', () => {
    const pair = new Pair();
    pair.up(pair.client.clipboard({ kind: 'offer', formats: TEXT }));
    assert.deepEqual(pair.heard(), { client: [], server: [] });
    pair.down(pair.server.openClipboard());
    assert.deepEqual(pair.heard(), {
      client: [READY, { kind: 'clipboard-taken', ok: true }],
      server: [READY, { kind: 'clipboard-offered', formats: TEXT }],
    });
  });

  it('carries text from the desktop, and to it', () => {
    const pair = opened();
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    assert.deepEqual(pair.heard().client, [{ kind: 'clipboard-offered', formats: TEXT }]);
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    assert.deepEqual(pair.heard().server, [{ kind: 'clipboard-wanted', formatId: 13 }]);
    // Many chunks of 1600 bytes.
    const long = 'naïve text\n'.repeat(2000);
    pair.down(pair.server.clipboard({ kind: 'respond', data: encodeClipboardText(long) }));
    assert.equal(dataOf(pair), long);

    pair.up(pair.client.clipboard({ kind: 'offer', formats: TEXT }));
    pair.down(pair.server.clipboard({ kind: 'request', formatId: 13 }));
    pair.heard();
    pair.up(pair.client.clipboard({ kind: 'respond', data: encodeClipboardText('back') }));
    const [answer] = pair.heard().server;
    assert.ok(answer?.kind === 'clipboard-data' && answer.data !== undefined);
    assert.equal(decodeClipboardText(13, answer.data), 'back');
  });

  it('gives nothing that was not offered', () => {
    const pair = opened();
    pair.up(pair.client.clipboard({ kind: 'offer', formats: TEXT }));
    pair.heard();
    pair.down(pair.server.clipboard({ kind: 'request', formatId: StandardFormat.dib }));
    assert.deepEqual(pair.heard(), {
      client: [],
      server: [{ kind: 'clipboard-data', formatId: StandardFormat.dib, data: undefined, tooLarge: false }],
    });
  });

  it('passes over the answer to what was asked of an older offer', () => {
    const pair = opened();
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    // One request at a time: this one waits.
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    pair.heard();
    pair.down(pair.server.clipboard({ kind: 'respond', data: encodeClipboardText('old') }));
    assert.deepEqual(pair.heard(), { client: [], server: [{ kind: 'clipboard-wanted', formatId: 13 }] });
    pair.down(pair.server.clipboard({ kind: 'respond', data: encodeClipboardText('new') }));
    assert.equal(dataOf(pair), 'new');
  });

  it('has what the client offered where lists have crossed: the server takes it after it has sent its own', () => {
    const pair = opened();
    const theirs = pair.server.clipboard({ kind: 'offer', formats: [{ id: StandardFormat.dib, name: '' }] });
    const ours = pair.client.clipboard({ kind: 'offer', formats: TEXT });
    pair.down(theirs);
    pair.up(ours);
    assert.deepEqual(pair.heard(), {
      client: [{ kind: 'clipboard-taken', ok: true }],
      server: [
        { kind: 'clipboard-taken', ok: true },
        { kind: 'clipboard-offered', formats: TEXT },
      ],
    });
    // What is copied there from now on, counts.
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    assert.deepEqual(pair.heard().client, [{ kind: 'clipboard-offered', formats: TEXT }]);
  });

  it("has what the server offered where lists have crossed and the server refuses the client's", () => {
    const pair = opened();
    pair.client.clipboard({ kind: 'offer', formats: [{ id: StandardFormat.dib, name: '' }] });
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    assert.deepEqual(pair.heard().client, []);
    const out: ActiveOutput[] = [];
    for (const chunk of encodeChunks(encodeClipboardPdu({ kind: 'format-list-response', ok: false }, 'long'))) {
      pair.client.receiveFrame(sendDataIndication(CHANNEL, chunk), out, 0);
    }
    assert.deepEqual(out, [
      { kind: 'clipboard-taken', ok: false },
      { kind: 'clipboard-offered', formats: TEXT },
    ]);
  });

  it('asks for nothing of what its own offer has replaced meanwhile', () => {
    const pair = opened();
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    pair.up(pair.client.clipboard({ kind: 'offer', formats: TEXT }));
    pair.heard();
    pair.down(pair.server.clipboard({ kind: 'respond', data: encodeClipboardText('old') }));
    assert.deepEqual(pair.heard(), { client: [], server: [] });
  });

  it('goes on where an answer never came', () => {
    const pair = opened();
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    pair.up(pair.client.clipboard({ kind: 'give-up' }));
    pair.heard();
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    assert.deepEqual(pair.heard().server, [{ kind: 'clipboard-wanted', formatId: 13 }]);
  });

  it('says that data is too large, and lives on', () => {
    const pair = opened();
    pair.down(pair.server.clipboard({ kind: 'offer', formats: TEXT }));
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    pair.heard();
    pair.down(pair.server.clipboard({ kind: 'respond', data: new Uint8Array(MAX_CLIPBOARD_MESSAGE).fill(0x41) }));
    const refused = { kind: 'clipboard-data', formatId: 13, data: undefined, tooLarge: true };
    assert.deepEqual(pair.heard().client, [refused]);
    pair.up(pair.client.clipboard({ kind: 'request', formatId: 13 }));
    pair.down(pair.server.clipboard({ kind: 'respond', data: encodeClipboardText('short') }));
    assert.equal(dataOf(pair), 'short');
  });

  it('carries sizes and parts of files, and holds lists of them', () => {
    const pair = opened();
    const request = { streamId: 4, index: 2, operation: 'range', position: 5_000_000_000n, length: 3 } as const;
    pair.down(pair.server.clipboard({ kind: 'offer', formats: [{ id: 0xc0bc, name: FormatName.files }] }));
    pair.up(pair.client.clipboard({ kind: 'lock', clipDataId: 1 }));
    pair.heard();
    pair.up(pair.client.clipboard({ kind: 'request-file', request: { ...request, clipDataId: 1 } }));
    assert.deepEqual(pair.heard().server, [{ kind: 'clipboard-file-wanted', request: { ...request, clipDataId: 1 } }]);
    pair.down(pair.server.clipboard({ kind: 'respond-file', streamId: 4, data: Uint8Array.of(1, 2, 3) }));
    pair.up(pair.client.clipboard({ kind: 'unlock', clipDataId: 1 }));
    assert.deepEqual(pair.heard(), {
      client: [{ kind: 'clipboard-file-data', streamId: 4, data: Uint8Array.of(1, 2, 3) }],
      server: [{ kind: 'clipboard-unlocked', clipDataId: 1 }],
    });
  });

  it('names formats shortly, and says nothing of capabilities, to a server that told none', () => {
    const pair = new Pair();
    pair.up(pair.client.clipboard({ kind: 'offer', formats: [{ id: 0xc001, name: FormatName.html }] }));
    const out: ActiveOutput[] = [];
    for (const chunk of encodeChunks(encodeClipboardPdu({ kind: 'monitor-ready' }, 'short'))) {
      pair.client.receiveFrame(sendDataIndication(CHANNEL, chunk), out, 0);
    }
    pair.up(out);
    const { client, server } = pair.heard();
    assert.deepEqual(client[0], { kind: 'clipboard-ready', files: false, locks: false, hugeFiles: false });
    assert.deepEqual(server.at(-1), { kind: 'clipboard-offered', formats: [{ id: 0xc001, name: FormatName.html }] });
  });
});

function opened(): Pair {
  const pair = new Pair();
  pair.down(pair.server.openClipboard());
  pair.heard();
  return pair;
}

/** The text that the client has just got. */
function dataOf(pair: Pair): string {
  const [data] = pair.heard().client;
  assert.ok(data?.kind === 'clipboard-data' && data.data !== undefined);
  return decodeClipboardText(data.formatId, data.data);
}

function copy(output: ClipboardOutput): ClipboardOutput {
  return 'data' in output && output.data !== undefined ? { ...output, data: output.data.slice() } : output;
}
