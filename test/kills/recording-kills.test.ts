import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedEvent } from '../../recorder/evidence/event-log.ts';
import { ensureSigningKey, type PublicKey } from '../../recorder/evidence/signing-key.ts';
import { eventsOf, readEvidence, verifySource } from '../../recorder/evidence/verify.ts';
import { recoverInterrupted, VIDEO_FILE } from '../../recorder/finish.ts';
import { summarise } from '../../recorder/library.ts';
import { readWhole } from '../../recorder/storage/byte-source.ts';
import { RecordingStore } from '../../recorder/storage/recording-store.ts';
import { decodeAll, probeVideo, requireTools, temporaryDirectory } from '../../recorder/testing/media-tools.ts';

/**
 * Kills processes at random moments while sessions are recorded, and looks at what is left: at most five seconds of
 * video may be missing and no event, and everything must be finished by the next start. `ORIEL_TEST_SEED` repeats a
 * run as far as the machine does; `ORIEL_TEST_ROUNDS` makes it longer, and `ORIEL_TEST_PAUSE` its rounds.
 */
const SEED = Number(process.env.ORIEL_TEST_SEED ?? Date.now() % 1e9);
const ROUNDS = Number(process.env.ORIEL_TEST_ROUNDS ?? 17);
/** What passes before each kill, at most and but for 300 ms. Beyond two seconds most rounds are long enough for a film. */
const PAUSE_MS = Number(process.env.ORIEL_TEST_PAUSE ?? 2200);
/** Of each round: two encoders and, at its end, the pixel host, the gateway or everything at once. 51 in all. */
const ENCODER_KILLS = 2;
const AT_ONCE = 3;
const SESSIONS = 2;
/** In every fourth round the recordings have to share one encoder: most pictures then wait on the disk. */
const ENCODERS = [SESSIONS, SESSIONS, SESSIONS, 1] as const;
const LOST_AT_MOST_MS = 5000;
/**
 * Where the gateway lives on, no event is lost, however far behind its pixel host was. Where it dies too, an event is on its
 * way to the system for milliseconds; the rest is a busy machine.
 */
const EVENT_GRACE_MS = { 'pixel host': 0, gateway: 100, everything: 100 } as const;

type Victim = 'pixel host' | 'gateway' | 'everything';

test(`processes killed at ${ROUNDS * (ENCODER_KILLS + 1)} random moments (ORIEL_TEST_SEED=${SEED})`, {
  timeout: 290_000,
}, async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const folder = await temporaryDirectory(context);
  const signingKeyFile = join(folder, 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  let state = SEED >>> 0;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const rounds = Array.from({ length: ROUNDS }, (_, n) => {
    const victim = (['pixel host', 'gateway', 'everything'] as const)[n % 3] as Victim;
    return { n, victim, pauses: Array.from({ length: ENCODER_KILLS + 1 }, () => 300 + random() * PAUSE_MS) };
  });
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) {
      const place = join(folder, `round-${round.n}`);
      await playRound(context, place, signingKeyFile, publicKey, round);
    }
  });
  await Promise.all(workers);
  context.diagnostic(`of video at most ${worst.lostMs} ms were missing: ${worst.what}`);
});

const worst = { lostMs: 0, what: 'nowhere' };

async function playRound(
  context: TestContext,
  place: string,
  signingKeyFile: string,
  publicKey: PublicKey,
  { n, victim, pauses }: { n: number; victim: Victim; pauses: number[] },
): Promise<void> {
  const key = Uint8Array.from(randomBytes(32));
  const ids = Array.from({ length: SESSIONS }, (_, i) => `session-${n}-${i}`);
  await mkdir(place, { recursive: true });
  const encoders = String(ENCODERS[n % ENCODERS.length]);
  const gateway = new RecordedGateway(context, [
    ...[place, signingKeyFile, Buffer.from(key).toString('base64'), encoders],
    ...ids,
  ]);
  await gateway.drawing;
  for (const pause of pauses.slice(0, -1)) {
    await sleep(pause);
    const encoder = gateway.encoders[Math.floor(pause) % Math.max(1, gateway.encoders.length)];
    if (encoder !== undefined) kill(encoder);
  }
  await sleep(pauses.at(-1) ?? 0);
  const killedAt = await gateway.kill(victim, ids);
  const keyOf = async () => key;
  const recovered = await recoverInterrupted(place, { keyOf, signingKeyFile });
  const store = new RecordingStore({ directory: place, keyOf });
  for (const id of ids) {
    const what = `round ${n}, ${victim} killed, ${id}`;
    const due = gateway.events.filter(({ at }) => at < killedAt - EVENT_GRACE_MS[victim]).map((event) => event.n);
    const manifest = await store.manifest(id);
    const summary = manifest && summarise(id, manifest);
    if (summary === undefined && killedAt - gateway.firstDrawnAt < LOST_AT_MOST_MS) {
      // Killed so early that no frame had come out of an encoder: then there is nothing to play, and no event is lost.
      assertEvents((await store.events(id)) ?? [], due, what);
      continue;
    }
    assert.ok(summary, `${what}: it is not finished: ${recovered.find(({ sessionId }) => sessionId === id)?.error}`);
    const video = await store.open(id, VIDEO_FILE);
    assert.ok(video, what);
    const report = await verifySource(video, [publicKey]);
    assert.deepEqual([report.verdict, report.findings], ['whole', []], what);
    const path = join(place, `${id}.mp4`);
    await writeFile(path, await readWhole(video));
    const { timestamps, durationMs } = probeVideo(path);
    assert.equal(decodeAll(path), timestamps.length, what);
    const shown = [...timestamps, durationMs].map((at) => at + summary.startedAt);
    const gaps = [gateway.firstDrawnAt, ...shown, killedAt].map((at, i, all) => at - (all[i - 1] ?? at));
    const lost = Math.round(Math.max(...gaps));
    if (lost > worst.lostMs) Object.assign(worst, { lostMs: lost, what });
    const gapsSeen = gaps.map(Math.round);
    assert.ok(lost <= LOST_AT_MOST_MS, `${what}: ${lost} ms of video are missing of ${durationMs}: ${gapsSeen}`);
    const box = await readEvidence(video);
    await video.close();
    assertEvents(box ? eventsOf(box) : [], due, what);
  }
}

function assertEvents(events: readonly RecordedEvent[], due: readonly number[], what: string): void {
  const kept = events.flatMap(({ type, keys }) => (type === 'input' ? [Number(keys)] : []));
  assert.deepEqual(kept.slice(0, due.length), due, `${what}: ${kept.length} events kept, ${due.length} due`);
}

/** `recording-gateway.ts` in a process of its own, and what it said. */
class RecordedGateway {
  readonly events: { n: number; at: number }[] = [];
  encoders: number[] = [];
  firstDrawnAt = Number.POSITIVE_INFINITY;
  /** Resolves with the first picture. */
  readonly drawing: Promise<void>;
  readonly #process: ChildProcess;
  readonly #finished = new Map<string, () => void>();
  #host = 0;

  constructor(context: TestContext, args: readonly string[]) {
    const script = join(import.meta.dirname, 'recording-gateway.ts');
    this.#process = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    context.after(() => this.#process.kill('SIGKILL'));
    const drawing = Promise.withResolvers<void>();
    this.drawing = drawing.promise;
    this.#process.once('exit', () => drawing.reject(new Error('the gateway ended before it began')));
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const [what, ...values] = line.split(' ');
      if (what === 'event') this.events.push({ n: Number(values[0]), at: Number(values[1]) });
      else if (what === 'finished') this.#finished.get(values[0] ?? '')?.();
      else if (what === 'processes') [this.#host, ...this.encoders] = values.map(Number) as [number, ...number[]];
      else if (what === 'drawn' && this.firstDrawnAt === Number.POSITIVE_INFINITY) {
        this.firstDrawnAt = Number(values[0]);
        drawing.resolve();
      }
    });
  }

  /** Returns the moment. Resolves when whoever is left has done what it does by itself. */
  async kill(victim: Victim, ids: readonly string[]): Promise<number> {
    const exited = once(this.#process, 'exit');
    const finished = ids.map((id) => new Promise<void>((resolve) => this.#finished.set(id, resolve)));
    const at = performance.timeOrigin + performance.now();
    if (victim === 'everything') {
      // Stopped first, so that none sees another one die.
      for (const pid of [this.#process.pid, this.#host, ...this.encoders]) kill(pid ?? 0, 'SIGSTOP');
      for (const pid of [this.#process.pid, this.#host, ...this.encoders]) kill(pid ?? 0);
    } else if (victim === 'gateway') {
      kill(this.#process.pid ?? 0);
    } else {
      kill(this.#host);
      // The gateway starts another, which finishes what is there.
      await Promise.all(finished);
      this.#process.kill('SIGKILL');
    }
    await exited;
    return at;
  }
}

function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
