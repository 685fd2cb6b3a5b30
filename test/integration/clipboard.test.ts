import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionClipboard } from '../../gateway/sessions/session-clipboard.ts';
import { CLIPBOARD } from '../../protocol/connector/clipboard-offer.ts';
import { partsOfText } from '../../protocol/tunnel/messages.ts';
import { connectTo } from '../lab/client.ts';
import { waitFor } from '../lab/processes.ts';
import { startXrdp } from '../lab/xrdp.ts';

const WORDS = 'Zwölf Boxkämpfer – 七つの海\njagen Viktor\tquer';
/** xrdp leaves the ends of lines as RDP has them. */
const atX = (text: string): string => text.replaceAll('\n', '\r\n');

test('xrdp: text goes through the clipboard both ways', async () => {
  const server = await startXrdp();
  const texts: string[] = [];
  let ready = false;
  const clipboard: SessionClipboard = new SessionClipboard({
    terms: { clipboard: 'both', files: 'none' },
    act: (action) => client.connection.clipboard(action),
    tell: (news) => {
      if (news.type === 'clipboard-text') texts.push(news.text);
      else if (news.type === 'clipboard-terms') ready = news.available;
    },
    notice: ({ message }) => assert.fail(message),
    inspect: () => ({ pass: true }),
    record: ({ direction, bytes }) => recorded.push(`${direction} ${bytes}`),
    recordFile: () => undefined,
    frozen: () => false,
    release: () => undefined,
  });
  const recorded: string[] = [];
  const client = connectTo(server, { channels: [CLIPBOARD] }, undefined, (output) => clipboard.heard(output));
  try {
    const desktop = await server.desktop();
    await waitFor("xrdp's clipboard", () => ready);
    await desktop.copy(WORDS);
    await waitFor('what was copied on the X side', () => texts.includes(WORDS));
    const answer = `${WORDS} and back`;
    for (const part of partsOfText(answer)) clipboard.offered(part);
    await waitFor("the browser's text on the X side", async () => (await desktop.clipboard()) === atX(answer));
    assert.ok(recorded.includes(`from-desktop ${Buffer.byteLength(WORDS)}`));
    assert.equal(recorded.at(-1), `to-desktop ${Buffer.byteLength(answer)}`);
    // Chunks of 1600 bytes, many of them.
    const long = 'all work and no play\n'.repeat(5000);
    for (const part of partsOfText(long)) clipboard.offered(part);
    // xrdp gives long texts in pieces, and the NUL with the last.
    await waitFor(
      'a long text on the X side',
      async () => (await desktop.clipboard()).replace(/\0$/, '') === atX(long),
    );
    await desktop.copy(`${long}and back`);
    await waitFor('a long text from the X side', () => texts.includes(`${long}and back`));
    assert.equal(client.end(), undefined);
  } finally {
    client.connection.close();
    clipboard.close();
    await server.stop();
  }
});
