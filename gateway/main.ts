import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { recoverInterrupted, THUMBNAIL_FILE, VIDEO_FILE } from '../recorder/finish.ts';
import { readConfig, unknownVariables } from './config.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { createLogger } from './log.ts';
import { PixelHostProcess } from './pixels/pixel-host-process.ts';
import { connectRdp } from './rdp/connect.ts';

await main();

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const config = readConfig(process.env, process.cwd());
  const log = createLogger(config.logLevel);
  for (const variable of unknownVariables(process.env)) log.warn({ variable }, 'there is no such setting');
  const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as { version: string };

  const recordings = join(config.dataDirectory, 'recordings');
  const pixels = new PixelHostProcess({ recordingsDirectory: recordings, ffmpegPath: config.ffmpegPath, log });
  const gateway = await startGateway({
    config,
    log,
    version,
    webRoot: `${root}/web-client/dist`,
    parts: {
      connect: connectRdp,
      pixels,
      recordings: {
        video: (id) => join(recordings, id, VIDEO_FILE),
        thumbnail: (id) => join(recordings, id, THUMBNAIL_FILE),
      },
      async recoverRecordings() {
        const recovered = await recoverInterrupted(recordings, { ffmpegPath: config.ffmpegPath, log });
        return new Map(recovered.flatMap(({ sessionId, summary }) => (summary ? [[sessionId, summary]] : [])));
      },
    },
  });
  greet(gateway);

  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    gateway.stop().then(() => pixels.close()).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** What the person who started it needs to know: the first password, once, and last of all where to go. */
function greet(gateway: Gateway): void {
  const lines = ['Oriel is ready.'];
  if (gateway.generatedPassword !== undefined) {
    lines.push(
      '',
      'First start: sign in with',
      '  user name  admin',
      `  password   ${gateway.generatedPassword}`,
      'It is not shown again.',
    );
  }
  process.stdout.write(`${lines.join('\n')}\n\n${gateway.url}\n`);
}
