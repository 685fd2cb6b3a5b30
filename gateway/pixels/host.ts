import { Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isMainThread, MessageChannel, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { defaultEncoders, EncoderPool, type Encoders } from '../../recorder/encoding/encoder-pool.ts';
import { BorrowedEncoders, lendEncoders } from '../../recorder/encoding/lent-encoders.ts';
import { lowerThreads, Niceness } from '../../recorder/encoding/lower-priority.ts';
import { type Ending, recoverInterrupted } from '../../recorder/finish.ts';
import { isUnfinished, readRecording } from '../../recorder/library.ts';
import { RecorderError, systemClock } from '../../recorder/recording.ts';
import { SessionRecorder } from '../../recorder/session-recorder.ts';
import { sessionClock } from '../clock.ts';
import { createLogger } from '../log.ts';
import { SocketGarbage } from '../socket-garbage.ts';
import { HostSession, type OpenRecorder } from './host-session.ts';
import { decodeToHost, encodeFromHost, type FromHost, IpcFrameReader, type OpenOptions, type ToHost } from './ipc.ts';

/**
 * The pixel host: a child of the gateway that holds every session's pixels, so that decoding, encoding and recording
 * never stand in the way of the process that moves bytes. Sessions are spread over threads, so that one's picture does not
 * stand in the way of another's; each thread runs this module and speaks `ipc.ts` with the gateway on a file descriptor of its own, from
 * 3 on. The first one is the program's own, which starts the others.
 *
 * When the gateway is gone, however it went, they finish all recordings and exit. When a thread fails, all do the same.
 */
const FIRST_FD = 3;
const { thread: THREAD, encoders: lent } = (workerData ?? { thread: 0 }) as ThreadData;

/** Taken bytes are told to the gateway in portions: every message wakes it. */
const PROGRESS_PORTION = 1024 * 1024;

/** What may wait to be written to the gateway; past it the gateway is not reading, and viewers' pictures are dropped. */
const MAX_UNWRITTEN = 64 * 1024 * 1024;

const ENCODER_GRACE_MS = 500;

const HEALTH_EVERY_MS = 2000;

const log = createLogger(process.env.ORIEL_LOG_LEVEL ?? 'info').child({ part: 'pixel-host' });
// Half open: a gateway that says no more still hears what became of its recordings.
const gateway = new Socket({ fd: FIRST_FD + THREAD, readable: true, writable: true, allowHalfOpen: true });
const reader = new IpcFrameReader();
const garbage = new SocketGarbage();
const clock = { ...systemClock, now: sessionClock };
const pool = lent === undefined ? createPool() : undefined;
const encoders: Encoders = pool ?? new BorrowedEncoders(lent as MessagePort);
const sessions = new Map<number, HostSession>();
const recorders = new Map<number, SessionRecorder>();
/** Of recordings that could not be finished and will be tried again: what the disk did not take. */
const endings = new Map<number, Ending>();
/** Bytes taken per session and not yet told. */
const taken = new Map<number, number>();
/** While something is recorded: a host that has nothing to do is not woken. */
let healthTimer: NodeJS.Timeout | undefined;
/** Those that this one has started. */
const threads = new Set<Worker>();
let leaving = false;
let hasLeft = false;

// Other threads have the priority of the one that starts them.
if (isMainThread) lowerThreads(process.pid, Niceness.capture);

process.on('uncaughtException', (error) => {
  // Nobody knows whose it was: save what can be saved, and let the gateway start another host.
  log.fatal({ err: error }, 'uncaught error');
  process.exitCode = 1;
  leave();
});

// The terminal's Ctrl+C and a service manager's stop reach the whole process group. The gateway decides; we follow.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});

gateway.on('data', (chunk) => {
  garbage.read(chunk.length);
  let messages: ToHost[];
  try {
    messages = reader.push(chunk).map(decodeToHost);
  } catch (error) {
    log.fatal({ err: error }, 'the gateway sent something that is not understood');
    leave();
    return;
  }
  for (const message of messages) {
    try {
      handle(message);
    } catch (error) {
      // A bug of ours; it costs the session that met it, and no other.
      log.error({ err: error, session: message.session }, 'a session failed');
      const failure = { code: 'recording_failed', detail: String(error) } as const;
      send({ kind: 'failed', session: message.session, at: sessionClock(), failure });
    }
  }
});
parentPort?.on('message', leave);
gateway.on('end', leave);
gateway.on('close', leave);
gateway.on('error', leave);

function handle(message: ToHost): void {
  if (message.kind === 'open') {
    open(message.session, message.options);
    return;
  }
  if (message.kind === 'recover') {
    recover(message.session, message.options);
    return;
  }
  if (message.kind === 'start-thread') {
    startThread(message.thread);
    return;
  }
  const session = sessions.get(message.session);
  if (session === undefined) return;
  switch (message.kind) {
    case 'update':
      session.update(message.update, message.at);
      countTaken(message.session, message.update.data.length);
      return;
    case 'pointer-moved':
      session.pointerMoved(message.x, message.y, message.at);
      return;
    case 'event':
      session.event(message.event, message.at);
      return;
    case 'attach-viewer':
      session.attachViewer(message.viewer, message.isOwner, message.updates);
      return;
    case 'viewer-ack':
      session.acknowledge(message.viewer, message.seq);
      return;
    case 'take-state':
      session.takeState(message.viewer, message.limit);
      return;
    case 'detach-viewer':
      session.detachViewer(message.viewer);
      return;
    case 'recording-watched':
      session.recordingWatched();
      return;
    case 'finish':
      session.finish(message.at).then(() => {
        sessions.delete(message.session);
        taken.delete(message.session);
        const ending = recorders.get(message.session)?.ending;
        recorders.delete(message.session);
        if (recorders.size === 0) {
          clearInterval(healthTimer);
          healthTimer = undefined;
        }
        if (ending !== undefined) endings.set(message.session, ending);
      });
  }
}

function open(id: number, options: OpenOptions): void {
  const sessionLog = log.child({ session: options.sessionId });
  const session = new HostSession(id, send, sessionLog);
  sessions.set(id, session);
  const { directory } = options;
  if (directory === undefined) {
    send({ kind: 'opened', session: id, at: sessionClock() });
    return;
  }
  const openRecorder: OpenRecorder = async (source, failed, troubled) => {
    const recorder = await SessionRecorder.open(
      {
        directory,
        sessionId: options.sessionId,
        ffmpegPath: options.ffmpegPath,
        signingKeyFile: options.signingKeyFile,
        key: keyIn(options),
        clock,
        encoders,
        log: sessionLog,
        onTrouble: troubled,
        onFailure: (error) => failed(error.message),
      },
      source,
    );
    recorders.set(id, recorder);
    healthTimer ??= setInterval(reportHealth, HEALTH_EVERY_MS).unref();
    return recorder;
  };
  session.record(openRecorder).then(
    () => send({ kind: 'opened', session: id, at: sessionClock() }),
    (error: unknown) => {
      sessions.delete(id);
      const code = error instanceof RecorderError ? error.code : 'recorder_unavailable';
      const detail = error instanceof Error ? error.message : String(error);
      send({ kind: 'failed', session: id, at: sessionClock(), failure: { code, detail } });
    },
  );
}

function reportHealth(): void {
  for (const session of sessions.values()) session.reportHealth();
}

/** Finishes what a host before this one left open. */
async function recover(session: number, openOptions: OpenOptions): Promise<void> {
  const { directory, ffmpegPath, signingKeyFile } = openOptions;
  const keyOf = async () => keyIn(openOptions);
  let recording: { durationMs: number; bytes: number } | 'left' | undefined = 'left';
  try {
    // The dead host's encoder sees the end of its input at the same moment, and writes out what it has.
    await setTimeout(ENCODER_GRACE_MS);
    if (directory === undefined) return;
    const ending = endings.get(session);
    const options = { ffmpegPath, signingKeyFile, keyOf, log, ending, sessionIds: [basename(directory)] };
    const [recovered] = await encoders.run(() => recoverInterrupted(dirname(directory), options));
    // A host that could still finish its recordings before it went has left nothing to recover.
    const found = await readRecording(directory, keyOf);
    const summary = recovered?.summary ?? found?.summary;
    if (summary !== undefined) recording = { durationMs: summary.durationMs, bytes: summary.bytes };
    else if (found === undefined || !isUnfinished(found)) recording = undefined;
  } catch (error) {
    log.error({ err: error }, 'recording cannot be recovered');
  } finally {
    if (recording !== 'left') endings.delete(session);
    send({ kind: 'finished', session, at: sessionClock(), recording });
  }
}

function keyIn({ key }: OpenOptions): Uint8Array | undefined {
  return key === undefined ? undefined : Buffer.from(key, 'base64');
}

function send(message: FromHost): void {
  if (!gateway.writable) return;
  if (message.kind === 'viewer-message' && gateway.writableLength > MAX_UNWRITTEN) return;
  gateway.write(encodeFromHost(message));
}

function countTaken(session: number, bytes: number): void {
  const sum = (taken.get(session) ?? 0) + bytes;
  if (sum < PROGRESS_PORTION) {
    taken.set(session, sum);
    return;
  }
  taken.set(session, 0);
  send({ kind: 'progress', session, at: sessionClock(), bytes: sum });
}

/** Of all threads of this host: the first one has it. */
function createPool(): EncoderPool {
  const { ORIEL_ENCODERS: chosen, ORIEL_PIXEL_HOSTS: hosts = '1' } = process.env;
  return new EncoderPool({ slots: Math.floor((Number(chosen) || defaultEncoders()) / Number(hosts)), clock });
}

function startThread(number: number): void {
  const { port1, port2 } = new MessageChannel();
  if (pool !== undefined) lendEncoders(pool, port1);
  const data: ThreadData = { thread: number, encoders: port2 };
  const thread = new Worker(new URL(import.meta.url), { workerData: data, transferList: [port2] });
  threads.add(thread);
  thread.on('error', (error) => log.fatal({ err: error, thread: number }, 'a thread failed'));
  thread.on('exit', (code) => {
    threads.delete(thread);
    if (code !== 0) process.exitCode = code;
    leave();
    if (hasLeft) exit();
  });
}

/** Finishes what is being recorded, then exits. */
function leave(): void {
  if (leaving) return;
  leaving = true;
  for (const thread of threads) thread.postMessage('leave');
  const at = sessionClock();
  Promise.allSettled([...sessions.values()].map((session) => session.abandon(at))).then(() => {
    gateway.end(exit);
    gateway.on('close', exit);
    if (gateway.destroyed) exit();
  });
}

/** Ends this thread; the program's own waits for the others, and ends the program. */
function exit(): void {
  hasLeft = true;
  if (threads.size === 0) process.exit();
}

interface ThreadData {
  readonly thread: number;
  /** To the encoders of the first thread, for all others. */
  readonly encoders?: MessagePort;
}
