import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBundle } from '../recorder/evidence/bundle.ts';
import { describeReport } from '../recorder/evidence/describe-report.ts';
import { EVENTS_FILE, readEvents } from '../recorder/evidence/event-log.ts';
import { ensureSigningKey, readTrustedKeys } from '../recorder/evidence/signing-key.ts';
import { eventsOf, readEvidence, type VerificationReport } from '../recorder/evidence/verify.ts';
import { recoverInterrupted, THUMBNAIL_FILE, VIDEO_FILE } from '../recorder/finish.ts';
import { readRecording } from '../recorder/library.ts';
import { readLiveSegment, readLiveVideo } from '../recorder/live.ts';
import { type Config, ConfigError, readConfig, unknownVariables } from './config.ts';
import { startDemoProcess } from './demo/process.ts';
import type { Evidence } from './evidence/evidence.ts';
import { verifyInProcess } from './evidence/verify-process.ts';
import { type Gateway, type GatewayParts, startGateway } from './gateway.ts';
import { createLogger, type Logger } from './log.ts';
import { PixelHostProcess } from './pixels/pixel-host-process.ts';
import { rdpConnector } from './rdp/connect.ts';
import { spaceOf } from './retention/storage-space.ts';
import { DemoTarget } from './targets/demo-target.ts';

/**
 * The composition root: the one place that knows which driver, which pixel host, which recorder and which demo desktop
 * this gateway runs with. `node gateway/main.ts`, configured by the environment (`config.ts`).
 */
try {
  await main();
} catch (error) {
  // Before the gateway runs, what goes wrong is for the person who started it.
  const text = error instanceof ConfigError ? error.message : error instanceof Error ? describe(error) : String(error);
  process.stderr.write(`Oriel cannot start: ${text}\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const config = readConfig(process.env, process.cwd());
  const log = createLogger(config.logLevel);
  for (const variable of unknownVariables(process.env)) log.warn({ variable }, 'there is no such setting');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };

  const recordings = join(config.dataDirectory, 'recordings');
  const signingKeyFile = config.evidenceKeyFile;
  const pixels = new PixelHostProcess({
    recordingsDirectory: recordings,
    ffmpegPath: config.ffmpegPath,
    signingKeyFile,
    log,
  });
  // Before the first recording needs it; a key that cannot be read is for the person who starts the gateway.
  await ensureSigningKey(signingKeyFile);
  const gateway = await startGateway({
    config,
    log,
    version,
    webRoot: join(root, 'web-client', 'dist'),
    parts: gatewayParts(config, recordings, pixels, log),
  });
  const demo = new DemoTarget({
    targets: gateway.services.targets,
    settings: gateway.services.settings,
    log,
    start: (options) => startDemoProcess(options, (line) => log.debug({ line }, 'demo desktop')),
  });
  stopOnSignals(log, async () => {
    await gateway.stop();
    await demo.stop();
    await pixels.close();
  });
  // Both take a moment; the first session should not have to wait for it.
  pixels.start();
  if (config.demo) await demo.start().catch((error: unknown) => log.error({ err: error }, 'no demo desktop'));
  greet(gateway);
}

function gatewayParts(config: Config, recordings: string, pixels: PixelHostProcess, log: Logger): GatewayParts {
  return {
    connect: rdpConnector(config.graphics),
    pixels,
    recordings: {
      video: (id) => join(recordings, id, VIDEO_FILE),
      thumbnail: (id) => join(recordings, id, THUMBNAIL_FILE),
    },
    evidence: evidenceOf(recordings, config.evidenceKeyFile),
    storage: {
      destroy: (id) => rm(join(recordings, id), { recursive: true, force: true }),
      // Before the first recording there is no folder for them.
      space: async () => (await spaceOf(recordings)) ?? spaceOf(config.dataDirectory),
    },
    live: {
      video: (id) => readLiveVideo(join(recordings, id)),
      read: (id, segment, from) => readLiveSegment(join(recordings, id), segment, from),
    },
    async recoverRecordings(expected) {
      const options = { ffmpegPath: config.ffmpegPath, signingKeyFile: config.evidenceKeyFile, log };
      const recovered = await recoverInterrupted(recordings, options);
      const found = new Map(recovered.flatMap(({ sessionId, summary }) => (summary ? [[sessionId, summary]] : [])));
      for (const id of expected) {
        const summary = found.get(id) ?? (await readRecording(join(recordings, id)))?.summary;
        if (summary !== undefined) found.set(id, summary);
      }
      return found;
    },
  };
}

/** The evidence in recordings, read and checked by the recorder's own code. */
function evidenceOf(recordings: string, signingKeyFile: string): Evidence {
  const video = (id: string) => join(recordings, id, VIDEO_FILE);
  const program = fileURLToPath(new URL('../recorder/evidence/main.ts', import.meta.url));
  const verify = async (id: string) => {
    await stat(video(id));
    return verifyInProcess<VerificationReport>(program, video(id), signingKeyFile);
  };
  return {
    async publicKey() {
      const { id, pem } = (await ensureSigningKey(signingKeyFile)).publicKey;
      return { algorithm: 'Ed25519', id, pem };
    },
    async events(id) {
      const unfinished = await readFile(join(recordings, id, EVENTS_FILE)).catch(() => undefined);
      if (unfinished !== undefined) return readEvents(unfinished);
      const box = await readEvidence(video(id));
      return box && eventsOf(box);
    },
    async verify(id) {
      const report = await verify(id);
      return { verdict: report.verdict, text: describeReport(report), report };
    },
    async bundle(id) {
      const bundle = await openBundle(video(id), await readTrustedKeys(signingKeyFile), await verify(id));
      return bundle && { zip: bundle.zip, verdict: bundle.report.verdict };
    },
  };
}

/** An orderly end on SIGTERM and SIGINT, and after an error that nobody caught. A second signal does not wait. */
function stopOnSignals(log: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const begin = (reason: string, exitCode: number) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ reason }, 'stopping');
    stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => begin('SIGTERM', 0));
  process.on('SIGINT', () => begin('SIGINT', 0));
  process.on('uncaughtException', (error) => {
    // A bug of ours. Sessions are ended in good form, their recordings finished, rather than lost where they stood.
    log.fatal({ err: error }, 'uncaught error');
    begin('uncaught error', 1);
  });
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

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${describe(error.cause)}` : error.message;
}
