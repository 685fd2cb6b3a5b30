import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ClipboardAction, ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import { encodeFileList } from '#protocol/channels/cliprdr/file-list.ts';
import { ADMIN_PASSWORD, type Harness, startHarness, until } from '../testing/harness.ts';

let harness: Harness;

before(async () => {
  harness = await startHarness();
});

after(async () => {
  await harness.stop();
});

const FILES = 0xc0bc;
const CONTENT = Buffer.from('what is in the file');

test('a file that was copied in the desktop is downloaded by the owner of the session, and by nobody else', async () => {
  const token = await harness.signIn('admin', ADMIN_PASSWORD);
  const { targetId, accountId } = await harness.target();
  const body = { targetId, accountId, width: 800, height: 600 };
  const { json } = await harness.call('POST', '/api/sessions', { token, body });
  const owner = harness.openTunnel();
  await owner.attach(json.ticket);
  await until(() => harness.driver.connections.length > 0);
  const { events, clipboardActions } = harness.driver.last;
  events.connected();
  const desktop = (output: ClipboardOutput) => events.clipboard?.(output);
  const asked = <Kind extends ClipboardAction['kind']>(kind: Kind) =>
    clipboardActions.filter((action) => action.kind === kind) as Extract<ClipboardAction, { kind: Kind }>[];
  desktop({ kind: 'clipboard-ready', files: true, locks: true, hugeFiles: true });
  desktop({ kind: 'clipboard-offered', formats: [{ id: FILES, name: 'FileGroupDescriptorW' }] });
  assert.deepEqual(clipboardActions.at(-1), { kind: 'request', formatId: FILES });
  const described = { name: '..\\Übersicht.txt', size: BigInt(CONTENT.length), showProgress: false };
  desktop({ kind: 'clipboard-data', formatId: FILES, data: encodeFileList([described]), tooLarge: false });
  const { list, files } = await owner.next('clipboard-files');
  assert.deepEqual(files, [{ index: 0, name: 'Übersicht.txt', size: CONTENT.length }]);

  const path = `/api/sessions/${json.id}/files/${list}/0`;
  const other = await harness.userWith('user');
  assert.equal((await harness.call('GET', path, { token: other })).status, 404);
  assert.equal((await harness.call('GET', path)).status, 401);
  assert.equal((await harness.call('GET', `/api/sessions/${json.id}/files/${list}/1`, { token })).status, 404);
  assert.equal((await harness.call('GET', `/api/sessions/${json.id}/files/x/y`, { token })).status, 404);
  assert.equal((await harness.call('HEAD', path, { token })).status, 200);
  assert.deepEqual(asked('request-file'), []);

  const answer = harness.call('GET', path, { token });
  await until(() => asked('request-file').length > 0);
  const { streamId, position, length } = asked('request-file')[0]?.request ?? assert.fail('nothing was asked for');
  assert.deepEqual([position, length], [0n, CONTENT.length]);
  desktop({ kind: 'clipboard-file-data', streamId, data: CONTENT });
  const { status, text, headers } = await answer;
  assert.deepEqual([status, text], [200, CONTENT.toString()]);
  assert.equal(headers['content-length'], String(CONTENT.length));
  assert.equal(headers['content-type'], 'application/octet-stream');
  assert.equal(
    headers['content-disposition'],
    'attachment; filename="_bersicht.txt"; filename*=UTF-8\'\'%C3%9Cbersicht.txt',
  );
  const audited = await harness.call('GET', `/api/audit?sessionId=${json.id}&action=session.file_transferred`, {
    token,
  });
  assert.equal(audited.json.length, 1);
  assert.deepEqual(Object.keys(audited.json[0].details).sort(), ['direction', 'name', 'sha256', 'size', 'state']);

  // What was copied since, takes its place.
  desktop({ kind: 'clipboard-offered', formats: [{ id: 13, name: '' }] });
  assert.equal((await harness.call('GET', path, { token })).status, 404);
  await harness.call('DELETE', `/api/sessions/${json.id}`, { token });
});
