import { setTimeout as sleep } from 'node:timers/promises';
import type { UserCounts } from './generator/main.ts';
import type { Lab } from './lab.ts';
import { parseSize, streamKey } from './matrix.ts';
import type { Peer, PeerSession } from './peers/peer.ts';
import { cpuSecondsOf, measureTree, treeCpuSeconds } from './processes.ts';
import { pictureAfter, psnr } from './psnr.ts';
import { type LiveRow, percentile, round } from './rows.ts';
import { readStream, streamFile } from './streams/store.ts';
import type { ViewerReport } from './viewers/main.ts';
import type { Picture, Typing } from './viewers/viewer.ts';

export interface RowWish {
  readonly scenario: string;
  readonly size: string;
  readonly server: string;
  readonly seconds: number;
  /** Where the stream is, if not among those that the bench makes itself. */
  readonly file?: string;
}

/** A session that has begun takes so long to come to rest: code is compiled, windows of TCP open. */
const WARM_UP_MS = 3000;
const BASE_MS = 2000;
/** Of processor time in a second: less is rest. */
const RESTING_SECONDS = 0.01;
const MAX_REST_SECONDS = 5;
/** What has been sent has arrived everywhere after so long, where nothing is held back on purpose. */
const ARRIVED_MS = 250;
const SETTLED_MS = 3000;
const READY_WITHIN_MS = 60_000;

/** One session through one peer, measured for some seconds of steady work. */
export async function measureRow(lab: Lab, peer: Peer, wish: RowWish): Promise<LiveRow> {
  const { scenario, server, seconds } = wish;
  const size = parseSize(wish.size);
  if (size === undefined) throw new TypeError(`no size: ${wish.size}`);
  const key = streamKey(scenario, wish.size, server);
  const user = `${key}.${peer.name}`;
  if (wish.file !== undefined) await lab.generator.call('use', { key, file: wish.file });
  const base = await baseOf(peer);
  const showsPictures = peer.name === 'oriel-regions' || peer.name === 'guacd';
  const typing = typingFor(scenario, showsPictures);
  const session = await peer.open({ user, password: 'bench', port: lab.ports.rdp, size, typing, keep: showsPictures });
  try {
    await ready(lab, session, user);
    await sleep(WARM_UP_MS);
    const before = await snapshot(lab, peer, session, user);
    await sleep(seconds * 1000);
    const after = await snapshot(lab, peer, session, user);
    const { pssMb } = measureTree(peer.roots);
    const pictures = showsPictures
      ? await comparePictures(lab, session, user, wish.file ?? streamFile(key))
      : undefined;
    const minutes = (after.at - before.at) / 60_000;
    const bytesIn = after.sent.bytes - before.sent.bytes;
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
    const latencies = after.latencies.slice(before.latencies.length);
    const share = percentile(after.sent.shares.slice(before.sent.shares.length), 0.5);
    const withoutShare = (value: number | null) =>
      value === null || share === null ? null : round(Math.max(0, value - share));
    return {
      ...{ scenario, size: wish.size, server, peer: peer.name },
      cpuSecondsPerMin: round(cpuSeconds / minutes),
      kbInPerMin: round(bytesIn / 1000 / minutes, 1),
      kbOutPerMin: round((after.bytesOut - before.bytesOut) / 1000 / minutes, 1),
      p50Ms: withoutShare(percentile(latencies, 0.5)),
      p99Ms: withoutShare(percentile(latencies, 0.99)),
      pssMb: round(pssMb, 1),
      psnr: pictures?.psnr ?? null,
      frontCpuSecondsPerMin: round((after.frontCpuSeconds - before.frontCpuSeconds) / minutes),
      baseCpuSecondsPerMin: round(base.cpuSecondsPerMin),
      cpuMsPerMb: bytesIn < 1e6 ? null : round((cpuSeconds * 1000) / (bytesIn / 1e6)),
      sessionPssMb: round(pssMb - base.pssMb, 1),
      framesPerMin: round((after.sent.frames - before.sent.frames) / minutes, 1),
      picturesPerMin: round((after.pictures - before.pictures) / minutes, 1),
      keys: latencies.length,
      serverShareMs: share === null ? null : round(share),
      settledPsnr: pictures?.settledPsnr ?? null,
      seconds: round(minutes * 60, 1),
    };
  } finally {
    await session.close();
  }
}

/**
 * Who types, types five letters a second. Where the picture moves by itself, one key a second finds out how long its picture
 * takes, known by its mark; a peer that encodes anew does not keep that. Idle is left alone.
 */
function typingFor(scenario: string, showsPictures: boolean): Typing | undefined {
  if (scenario === 'type') return { perSecond: 5, byMark: false };
  return scenario === 'idle' || showsPictures ? undefined : { perSecond: 1, byMark: true };
}

/** What a peer takes without a session. One that has just started, or has one session less, comes to rest first. */
async function baseOf(peer: Peer): Promise<{ cpuSecondsPerMin: number; pssMb: number }> {
  for (let i = 0, last = treeCpuSeconds(peer.roots); i < MAX_REST_SECONDS; i++) {
    await sleep(1000);
    const now = treeCpuSeconds(peer.roots);
    if (now - last < RESTING_SECONDS) break;
    last = now;
  }
  const before = treeCpuSeconds(peer.roots);
  const at = performance.now();
  await sleep(BASE_MS);
  const { cpuSeconds, pssMb } = measureTree(peer.roots);
  return { cpuSecondsPerMin: ((cpuSeconds - before) * 60_000) / (performance.now() - at), pssMb };
}

export async function ready(lab: Lab, session: PeerSession, user: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const { frames } = await lab.generator.call<UserCounts>('counts', user);
    if (session.viewer === undefined) {
      const { pictures } = (await session.bytesOut?.()) ?? { pictures: 0 };
      if (frames > 0 && pictures > 0) return;
    } else {
      const [report] = await lab.viewers.call<ViewerReport[]>('reports', [session.viewer]);
      if (report?.ended !== undefined) throw new Error(`the session has ended: ${report.ended}`);
      if (frames > 0 && report?.ready === true) return;
    }
    if (performance.now() > deadline) throw new Error(`no picture within ${READY_WITHIN_MS / 1000} s`);
    await sleep(100);
  }
}

interface Snapshot {
  readonly at: number;
  readonly cpuSeconds: number;
  readonly frontCpuSeconds: number;
  readonly sent: UserCounts;
  readonly bytesOut: number;
  readonly pictures: number;
  readonly latencies: readonly number[];
}

async function snapshot(lab: Lab, peer: Peer, session: PeerSession, user: string): Promise<Snapshot> {
  const sent = await lab.generator.call<UserCounts>('counts', user);
  const cpuSeconds = treeCpuSeconds(peer.roots);
  const frontCpuSeconds = peer.roots.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  const at = performance.now();
  if (session.viewer === undefined) {
    const { bytes, pictures } = (await session.bytesOut?.()) ?? { bytes: 0, pictures: 0 };
    return { at, cpuSeconds, frontCpuSeconds, sent, bytesOut: bytes, pictures, latencies: [] };
  }
  const [report] = await lab.viewers.call<ViewerReport[]>('reports', [session.viewer]);
  if (report?.ended !== undefined) throw new Error(`the session has ended: ${report.ended}`);
  if (sent.open === 0) throw new Error('the server has lost its client');
  const { bytes = 0, pictures = 0, latencies = [] } = report ?? {};
  return { at, cpuSeconds, frontCpuSeconds, sent, bytesOut: bytes, pictures, latencies };
}

/** Stops the server and holds what the browser shows against what it has sent: at once, and when it has settled. */
async function comparePictures(lab: Lab, session: PeerSession, user: string, file: string) {
  await lab.generator.call('freeze', user);
  await sleep(ARRIVED_MS);
  const { frames } = await lab.generator.call<UserCounts>('counts', user);
  const seen = await lab.viewers.call<Picture | undefined>('picture', session.viewer);
  await sleep(SETTLED_MS);
  const settled = await lab.viewers.call<Picture | undefined>('picture', session.viewer);
  const truth = pictureAfter(await readStream(file), frames);
  const compare = (picture: Picture | undefined) => {
    const value = picture === undefined ? null : psnr(picture, truth);
    return value === null ? null : round(value, 2);
  };
  return { psnr: compare(seen), settledPsnr: compare(settled) };
}
