import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, SourceWish } from './lab.ts';
import { splitLatency } from './latency.ts';
import { parseSize } from './matrix.ts';
import type { Peer, PeerSession } from './peers/peer.ts';
import { type Calls, callsOf, cpuSecondsOf, measureTree, treeCpuSeconds } from './processes.ts';
import type { Profiler } from './profile/profiler.ts';
import type { Passage } from './proxy/main.ts';
import { psnr } from './psnr.ts';
import { type LiveRow, round } from './rows.ts';
import type { Source } from './sources/source.ts';
import type { ViewerReport } from './viewers/main.ts';
import type { Picture, SeenKey, Typing } from './viewers/viewer.ts';

export interface RowWish extends SourceWish {
  /** Of a scenario in which something happens all the time; see `REST`. */
  readonly seconds: number;
}

/** A session that has begun takes so long to come to rest: windows of TCP open, and what is drawn first is drawn. */
const BEGINNING_MS = 3000;
/** Of warming up, a second, where a peer answers as fast: in seconds what a session types in half an hour. */
const WARM_UP_KEYS = 250;
/** What a gateway looks after every five seconds is in it once. */
const BASE_MS = 5000;
/**
 * A desktop that rests, and a peer without a session, take a few milliseconds of a processor in a second, and now and then a collection that takes
 * tens of them. So idle is measured for so many times the seconds of other scenarios, what there is without it for half as long, and before each
 * the peer is let come to rest, until what was before is collected.
 */
const REST = { row: 4, base: 2, beginning: 1.5 } as const;
/** Of processor time in a second: less is rest. */
const RESTING_SECONDS = 0.01;
const MAX_REST_SECONDS = 5;
/** What has been sent has arrived everywhere after so long, where nothing is held back on purpose. */
const ARRIVED_MS = 250;
const SETTLED_MS = 3000;
/** From the server to the browser, where nobody waits for anything. Pictures that come thirty times a second leave as much between them. */
const ON_ITS_WAY_MS = 15;
/** Two pages a second have such a moment between them. */
const REST_WITHIN_MS = 600;
const READY_WITHIN_MS = 60_000;

/**
 * One session through one peer, measured for some seconds of steady work.
 * @param profiler looks into its processes meanwhile, which takes some of their time
 */
export async function measureRow(lab: Lab, peer: Peer, wish: RowWish, profiler?: Profiler): Promise<LiveRow> {
  const { scenario, server } = wish;
  const isRest = scenario === 'idle';
  const seconds = wish.seconds * (isRest ? REST.row : 1);
  const beginningMs = isRest ? Math.max(BEGINNING_MS, wish.seconds * REST.beginning * 1000) : BEGINNING_MS;
  if (isRest) await sleep(beginningMs);
  const base = await baseOf(peer, isRest ? wish.seconds * REST.base * 1000 : BASE_MS);
  const source = await lab.source(wish, peer.name);
  const showsPictures = showsPicturesOf(peer);
  const session = await openSession(lab, peer, source, wish, typingFor(scenario, showsPictures, source.marksKeys));
  try {
    await sleep(beginningMs);
    profiler?.start(peer.roots);
    const before = await snapshot(lab, peer, session, source);
    await sleep(seconds * 1000);
    const after = await snapshot(lab, peer, session, source);
    await profiler?.stop(`${scenario}-${wish.size}-${server}-${peer.name}`);
    const { pssMb } = measureTree(peer.roots);
    const pictures = showsPictures ? await comparePictures(lab, session, source) : undefined;
    const minutes = (after.at - before.at) / 60_000;
    const bytesIn = after.passage.bytes - before.passage.bytes;
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
    const keys = after.keys.slice(before.keys.length);
    const writes =
      after.calls.writes === null || before.calls.writes === null ? null : after.calls.writes - before.calls.writes;
    const frames = after.frames === null || before.frames === null ? null : after.frames - before.frames;
    return {
      ...{ scenario, size: wish.size, server, peer: peer.name },
      cpuSecondsPerMin: round(cpuSeconds / minutes),
      kbInPerMin: round(bytesIn / 1000 / minutes, 1),
      kbOutPerMin: round((after.bytesOut - before.bytesOut) / 1000 / minutes, 1),
      ...splitLatency({ seen: keys, passed: after.passage.keys }),
      pssMb: round(pssMb, 1),
      psnr: pictures?.psnr ?? null,
      frontCpuSecondsPerMin: round((after.frontCpuSeconds - before.frontCpuSeconds) / minutes),
      baseCpuSecondsPerMin: round(base.cpuSecondsPerMin),
      cpuMsPerMb: bytesIn < 1e6 ? null : round((cpuSeconds * 1000) / (bytesIn / 1e6)),
      sessionPssMb: round(pssMb - base.pssMb, 1),
      framesPerMin: frames === null ? null : round(frames / minutes, 1),
      picturesPerMin: round((after.pictures - before.pictures) / minutes, 1),
      keys: keys.length,
      writesPerMin: writes === null ? null : round(writes / minutes, 1),
      wakeUpsPerMin: round((after.calls.waits - before.calls.waits) / minutes, 1),
      settledPsnr: pictures?.settledPsnr ?? null,
      seconds: round(minutes * 60, 1),
    };
  } finally {
    await session.close();
    await source.end();
  }
}

/**
 * Lets a peer work for a while before it is measured, each in the same way, typing much faster than in any row: code that has seldom run is
 * interpreted or compiled anew, and nobody's first minute is every minute of a gateway that runs for weeks.
 */
export async function warmUp(lab: Lab, peer: Peer, wish: RowWish): Promise<void> {
  const source = await lab.source(wish, peer.name);
  const typing = typingFor(wish.scenario, showsPicturesOf(peer), source.marksKeys);
  const session = await openSession(lab, peer, source, wish, typing && { ...typing, perSecond: WARM_UP_KEYS });
  try {
    await sleep(wish.seconds * 1000);
  } finally {
    await session.close();
    await source.end();
  }
}

/** A session that has shown its first picture, at work. */
async function openSession(
  lab: Lab,
  peer: Peer,
  source: Source,
  wish: SourceWish,
  typing: Typing | undefined,
): Promise<PeerSession> {
  const size = parseSize(wish.size);
  if (size === undefined) throw new TypeError(`no size: ${wish.size}`);
  await lab.proxy.call('reset', typing?.byMark === true);
  const { user, password, port, rawPort } = source;
  const session = await peer.open({ user, password, port, rawPort, size, typing, keep: showsPicturesOf(peer) });
  try {
    await ready(lab, session, () => hasDrawn(source));
    await source.begin();
  } catch (error) {
    await session.close();
    await source.end();
    throw error;
  }
  return session;
}

function showsPicturesOf({ name }: Peer): boolean {
  return name === 'oriel-regions' || name === 'guacd';
}

async function hasDrawn(source: Source): Promise<boolean> {
  return (await source.counts()).frames !== 0;
}

/**
 * Who types, types five letters a second. Where the picture moves by itself, one key a second finds out how long its picture
 * takes, known by its mark, where the server marks it; a peer that encodes anew does not keep that. Idle is left alone.
 */
function typingFor(scenario: string, showsPictures: boolean, marksKeys: boolean): Typing | undefined {
  if (scenario === 'type') return { perSecond: 5, byMark: false };
  return scenario === 'idle' || showsPictures || !marksKeys ? undefined : { perSecond: 1, byMark: true };
}

/** What a peer takes without a session. One that has just started, or has one session less, comes to rest first. */
async function baseOf(peer: Peer, milliseconds: number): Promise<{ cpuSecondsPerMin: number; pssMb: number }> {
  for (let i = 0, last = treeCpuSeconds(peer.roots); i < MAX_REST_SECONDS; i++) {
    await sleep(1000);
    const now = treeCpuSeconds(peer.roots);
    if (now - last < RESTING_SECONDS) break;
    last = now;
  }
  const before = treeCpuSeconds(peer.roots);
  const at = performance.now();
  await sleep(milliseconds);
  const { cpuSeconds, pssMb } = measureTree(peer.roots);
  return { cpuSecondsPerMin: ((cpuSeconds - before) * 60_000) / (performance.now() - at), pssMb };
}

/** Waits for a session's first picture. @param drawn whether its server has drawn anything */
export async function ready(lab: Lab, session: PeerSession, drawn: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const { ready, ended } = await reportOf(lab, session);
    if (ended !== undefined) throw new Error(`the session has ended: ${ended}`);
    const isDrawn = await drawn();
    if (isDrawn && ready) return;
    if (performance.now() > deadline) {
      const { failure, connections, bytes } = await lab.proxy.call<Passage>('passage');
      const seen = failure ?? `${connections} connections and ${bytes} bytes of the server have passed the proxy`;
      throw new Error(`no picture within ${READY_WITHIN_MS / 1000} s; ${seen}`);
    }
    await sleep(100);
  }
}

export async function reportOf(lab: Lab, session: PeerSession): Promise<ViewerReport> {
  if ('report' in session) return session.report();
  const [report] = await lab.viewers.call<ViewerReport[]>('reports', [session.viewer]);
  if (report === undefined) throw new Error('the viewer has gone');
  return report;
}

interface Snapshot {
  readonly at: number;
  readonly cpuSeconds: number;
  readonly frontCpuSeconds: number;
  readonly calls: Calls;
  readonly passage: Passage;
  readonly frames: number | null;
  readonly bytesOut: number;
  readonly pictures: number;
  readonly keys: readonly SeenKey[];
}

async function snapshot(lab: Lab, peer: Peer, session: PeerSession, source: Source): Promise<Snapshot> {
  const { frames, hasClient } = await source.counts();
  const passage = await countAtRest(() => lab.proxy.call<Passage>('passage'));
  const cpuSeconds = treeCpuSeconds(peer.roots);
  const frontCpuSeconds = peer.roots.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  const calls = callsOf(peer.roots);
  const at = performance.now();
  const { ended, bytes, pictures, keys } = await reportOf(lab, session);
  if (ended !== undefined) throw new Error(`the session has ended: ${ended}`);
  if (!hasClient || passage.open === 0) throw new Error('the server has lost its client');
  return { at, cpuSeconds, frontCpuSeconds, calls, passage, frames, bytesOut: bytes, pictures, keys };
}

/**
 * What has passed, at a moment when nothing does, where there is one soon: a whole page of pixels that is on its way would be counted on one of its
 * sides only, which is a tenth of what passes in six seconds.
 */
export async function countAtRest<T extends { readonly bytes: number }>(count: () => Promise<T>): Promise<T> {
  let last = await count();
  for (const giveUp = performance.now() + REST_WITHIN_MS; performance.now() < giveUp; ) {
    await sleep(ON_ITS_WAY_MS);
    const before = last.bytes;
    last = await count();
    if (last.bytes === before) break;
  }
  return last;
}

/** Stops the server and holds what the browser shows against what it has sent: at once, and when it has settled. */
async function comparePictures(lab: Lab, session: PeerSession, source: Source) {
  await lab.viewers.call('rest', session.viewer);
  await source.freeze();
  await sleep(ARRIVED_MS);
  const { viewer } = session;
  const seen = await lab.viewers.call<Picture | undefined>('picture', viewer);
  await sleep(SETTLED_MS);
  const settled = await lab.viewers.call<Picture | undefined>('picture', viewer);
  const truth = await source.truth();
  const compare = (picture: Picture | undefined) => {
    const value = picture === undefined ? null : psnr(picture, truth);
    return value === null ? null : round(value, 2);
  };
  return { psnr: compare(seen), settledPsnr: compare(settled) };
}
