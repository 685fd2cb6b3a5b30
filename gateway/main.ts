import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBundle } from '../recorder/evidence/bundle.ts';
import { describeReport } from '../recorder/evidence/describe-report.ts';
import { EventJournal } from '../recorder/evidence/event-journal.ts';
import { ensureSigningKey, readTrustedKeys } from '../recorder/evidence/signing-key.ts';
import type { VerificationReport } from '../recorder/evidence/verify.ts';
import { recoverInterrupted, THUMBNAIL_FILE, VIDEO_FILE } from '../recorder/finish.ts';
import { isUnfinished, summarise } from '../recorder/library.ts';
import { readLiveSegment, readLiveVideo } from '../recorder/live.ts';
import { RecordingArchive } from '../recorder/storage/archive.ts';
import { type ByteSource, streamOf } from '../recorder/storage/byte-source.ts';
import type { ObjectStorage } from '../recorder/storage/object-storage.ts';
import { openStorage } from '../recorder/storage/open-storage.ts';
import { RecordingFolder } from '../recorder/storage/recording-folder.ts';
import { RecordingStore } from '../recorder/storage/recording-store.ts';
import { MissingKeyError, SealedFileError } from '../recorder/storage/sealed-file.ts';
import { type TrailSigner, trailSignerOf } from './audit/signatures.ts';
import { sessionClock } from './clock.ts';
import { type Config, ConfigError, readConfig, unknownVariables } from './config.ts';
import { makeDataDirectory } from './data-directory.ts';
import { startDemoProcess } from './demo/process.ts';
import { GatewayError } from './errors.ts';
import type { Evidence, Verified } from './evidence/evidence.ts';
import { withReceivedFile } from './evidence/received-file.ts';
import { verifyInProcess } from './evidence/verify-process.ts';
import { type Gateway, type GatewayParts, startGateway } from './gateway.ts';
import { hardenProcess } from './hardening.ts';
import type { ServedFile } from './http/send-file.ts';
import { createLogger, type Logger } from './log.ts';
import { PixelHostProcess } from './pixels/pixel-host-process.ts';
import { rdpConnector } from './rdp/connect.ts';
import { spaceOf } from './retention/storage-space.ts';
import type { RecordingResult } from './sessions/ports.ts';
import { DemoTarget } from './targets/demo-target.ts';
import { askPassphrase } from './vault/ask-passphrase.ts';
import type { RecordingKeys } from './vault/recording-keys.ts';
import { WorkerPool } from './workers/worker-pool.ts';

/** Threads of the pixel host: each takes some ten megabytes. */
const MAX_PIXEL_THREADS = 8;

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
  hardenProcess();
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };

  await makeDataDirectory(config.dataDirectory);
  const recordings = join(config.dataDirectory, 'recordings');
  const storage = recordingStorage(config);
  await storage?.check();
  const signingKeyFile = config.evidenceKeyFile;
  const pixels = new PixelHostProcess({
    recordingsDirectory: recordings,
    ffmpegPath: config.ffmpegPath,
    encoders: config.encoders,
    signingKeyFile,
    threads: Math.min(availableParallelism(), MAX_PIXEL_THREADS),
    openJournal: (directory, sessionId, key) =>
      new EventJournal(new RecordingFolder(directory, sessionId, key), sessionClock),
    log,
  });
  // Before the first recording needs it; a key that cannot be read is for the person who starts the gateway.
  const signingKey = await ensureSigningKey(signingKeyFile);
  const trailSigner = trailSignerOf(signingKey, () => readTrustedKeys(signingKeyFile));
  const workers = config.workers > 1 ? new WorkerPool({ count: config.workers, log }) : undefined;
  const { parts, store } = gatewayParts(config, recordings, storage, pixels, trailSigner, log);
  const gateway = await startGateway({
    config,
    log,
    version,
    webRoot: join(root, 'web-client', 'dist'),
    parts: { ...parts, workers: workers && { pool: workers, recordingsDirectory: recordings } },
    askPassphrase: process.stdin.isTTY ? askPassphrase : undefined,
  });
  const demo = new DemoTarget({
    targets: gateway.services.targets,
    settings: gateway.services.settings,
    log,
    start: (options) => startDemoProcess(options, (line) => log.debug({ line }, 'demo desktop')),
  });
  const archive = storage && new RecordingArchive({ store, storage, log });
  archive?.start();
  stopOnSignals(log, async () => {
    archive?.stop();
    await gateway.stop();
    await demo.stop();
    await pixels.close();
  });
  // Both take a moment; the first session should not have to wait for it.
  if (workers === undefined) pixels.start();
  if (config.demo) await demo.start().catch((error: unknown) => log.error({ err: error }, 'no demo desktop'));
  greet(gateway);
}

function recordingStorage({ recordingsUrl }: Config): ObjectStorage | undefined {
  if (recordingsUrl === undefined) return undefined;
  try {
    return openStorage(recordingsUrl);
  } catch (error) {
    throw new ConfigError('ORIEL_RECORDINGS_URL', (error as Error).message);
  }
}

function gatewayParts(
  config: Config,
  recordings: string,
  storage: ObjectStorage | undefined,
  pixels: PixelHostProcess,
  trailSigner: TrailSigner,
  log: Logger,
): { readonly parts: GatewayParts; readonly store: RecordingStore } {
  let keys: RecordingKeys | undefined;
  const keyOf = async (id: string) => keys?.find(id);
  const store = new RecordingStore({ directory: recordings, keyOf, storage });
  const parts: GatewayParts = {
    useKeys: (given) => {
      keys = given;
    },
    connect: rdpConnector(config.graphics),
    pixels,
    recordings: {
      video: (id) => serve(store, id, VIDEO_FILE, log),
      thumbnail: (id) => serve(store, id, THUMBNAIL_FILE, log),
    },
    evidence: evidenceOf(config, store, keyOf, log),
    trailSigner,
    storage: {
      async destroy(id) {
        // The key first: whatever happens to the files, nobody reads them any more.
        await keys?.destroy(id);
        await store.remove(id);
      },
      // Before the first recording there is no folder for them.
      space: async () => (await spaceOf(recordings)) ?? spaceOf(config.dataDirectory),
    },
    live: {
      video: async (id) => readLiveVideo(await store.folder(id)),
      read: async (id, segment, from) => readLiveSegment(await store.folder(id), segment, from),
    },
    async recoverRecordings(expected, others) {
      const sessionIds = new Set(expected);
      if (others !== undefined) for (const id of await store.local()) if (await others(id)) sessionIds.add(id);
      const options = {
        ffmpegPath: config.ffmpegPath,
        signingKeyFile: config.evidenceKeyFile,
        keyOf,
        sessionIds: [...sessionIds].sort(),
        // Of an older version's recordings, those that the database knows to be unfinished.
        unencrypted: expected,
        log,
      };
      const recovered = await recoverInterrupted(recordings, options);
      const found = new Map<string, RecordingResult | 'left'>();
      for (const { sessionId, summary } of recovered) if (summary !== undefined) found.set(sessionId, summary);
      for (const id of expected) {
        const result = found.get(id) ?? (await resultOf(store, id));
        if (result !== undefined) found.set(id, result);
      }
      return found;
    },
  };
  return { parts, store };
}

/** What became of a recording. Nothing: there is no video, and will be none. */
async function resultOf(store: RecordingStore, id: string): Promise<RecordingResult | 'left' | undefined> {
  try {
    const manifest = await store.manifest(id);
    return manifest && (isUnfinished(manifest) ? 'left' : summarise(id, manifest));
  } catch (error) {
    // A storage that does not answer may do so later; a file that is not as it was written stays as it is.
    return error instanceof SealedFileError ? undefined : 'left';
  }
}

async function serve(store: RecordingStore, id: string, name: string, log: Logger): Promise<ServedFile | undefined> {
  const source = await openReadable(store, id, name, log);
  return (
    source && {
      size: source.size,
      modifiedAt: source.modifiedAt ?? 0,
      stream: (start, end) =>
        streamOf(source, start, end).on('error', (error) => {
          // The answer has begun: all that is left is to break it off.
          log.error({ err: error, session: id, file: name }, 'a recording cannot be read');
        }),
      close: () => source.close(),
    }
  );
}

function openReadable(store: RecordingStore, id: string, name: string, log: Logger): Promise<ByteSource | undefined> {
  return explained(store.open(id, name), { session: id, file: name }, log);
}

/** Says in the gateway's words what is wrong with a recording's file, and in the log which one it is. */
async function explained<T>(reading: Promise<T>, what: object, log: Logger): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    log.error({ err: error, ...what }, 'a recording cannot be read');
    const code = error instanceof SealedFileError ? 'recording_unreadable' : 'recording_unreachable';
    throw new GatewayError(code, undefined, { cause: error });
  }
}

/** The evidence in recordings, read and checked by the recorder's own code. */
function evidenceOf(
  { dataDirectory, evidenceKeyFile: signingKeyFile, recordingsUrl }: Config,
  store: RecordingStore,
  keyOf: (id: string) => Promise<Uint8Array | undefined>,
  log: Logger,
): Evidence {
  const program = fileURLToPath(new URL('../recorder/evidence/stored-main.ts', import.meta.url));
  const received = join(dataDirectory, 'received');
  // A gateway that was killed in a check leaves one.
  rmSync(received, { recursive: true, force: true });
  const verify = async (id: string): Promise<VerificationReport> => {
    const key = await keyOf(id);
    const place = { directory: store.directory, storage: recordingsUrl, id };
    const job = { ...place, key: key && Buffer.from(key).toString('base64'), signingKeyFile };
    return verifyInProcess<VerificationReport>(program, job);
  };
  return {
    async publicKey() {
      const { id, pem } = (await ensureSigningKey(signingKeyFile)).publicKey;
      return { algorithm: 'Ed25519', id, pem };
    },
    events: (id) => explained(store.events(id), { session: id, what: 'events' }, log),
    async verify(id) {
      await requireVideo(store, id, log);
      return described(await verify(id));
    },
    verifyFile: (bytes, keepFree) =>
      withReceivedFile(
        bytes,
        received,
        async (file) => described(await verifyInProcess<VerificationReport>(program, { file, signingKeyFile })),
        { room: async () => ((await spaceOf(dataDirectory))?.free ?? Number.POSITIVE_INFINITY) - keepFree },
      ),
    async bundle(id) {
      await requireVideo(store, id, log);
      const report = await verify(id);
      // What cannot be decrypted cannot be handed out, and its check has said where.
      if (report.findings.some(({ part }) => part === 'storage')) throw new GatewayError('recording_unreadable');
      const video = await openReadable(store, id, VIDEO_FILE, log);
      const bundle = video && (await openBundle(video, await readTrustedKeys(signingKeyFile), report));
      return bundle && { zip: bundle.zip, verdict: bundle.report.verdict };
    },
  };
}

function described(report: VerificationReport): Verified {
  return { verdict: report.verdict, text: describeReport(report), report };
}

/** One that is altered is there: the check says how. */
async function requireVideo(store: RecordingStore, id: string, log: Logger): Promise<void> {
  const altered = (error: unknown): 'altered' => {
    if (error instanceof SealedFileError && !(error instanceof MissingKeyError)) return 'altered';
    throw error;
  };
  const video = await explained(store.open(id, VIDEO_FILE).catch(altered), { session: id, file: VIDEO_FILE }, log);
  if (video === undefined) throw new GatewayError('not_found', 'the video is gone');
  if (video !== 'altered') await video.close();
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
