import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { Desktop } from './desktop.ts';
import { waitFor } from './processes.ts';

/** What a screen answers that stands still until this process has done something: a client in it takes its pictures, say. */
test('an X side that waits for this process is asked without holding it up', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-desktop-'));
  const { PATH } = process.env;
  process.env.PATH = `${folder}${delimiter}${PATH}`;
  context.after(() => {
    process.env.PATH = PATH;
    rmSync(folder, { recursive: true, force: true });
  });
  const asked = join(folder, 'asked');
  const goOn = join(folder, 'go-on');
  const waits = (answer: string) => `#!/bin/sh\n: > ${asked}\nuntil [ -e ${goOn} ]; do sleep 0.02; done\n${answer}\n`;
  writeFileSync(join(folder, 'xdotool'), waits('[ "$1" = search ] && echo 7; echo terminal'), { mode: 0o755 });
  writeFileSync(join(folder, 'xclip'), waits('cat > /dev/null'), { mode: 0o755 });
  const desktop = new Desktop(':0', folder);
  for (const call of [
    () => desktop.ready(),
    () => desktop.terminalFocused(),
    () => desktop.type('text'),
    () => desktop.copy('text'),
    () => desktop.size(),
  ]) {
    const answer = call();
    await waitFor(`${call} to be asked`, () => existsSync(asked));
    writeFileSync(goOn, '');
    await answer;
    for (const file of [asked, goOn]) rmSync(file);
  }
});
