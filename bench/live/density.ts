import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UserCounts } from './generator/main.ts';
import type { Lab } from './lab.ts';
import { splitLatency } from './latency.ts';
import { parseSize, streamKey, type Work } from './matrix.ts';
import { ready } from './measure.ts';
import type { OrielPeer } from './peers/oriel.ts';
import type { PeerSession } from './peers/peer.ts';
import { measureTree, treeCpuSeconds, waitSeconds } from './processes.ts';
import { type DensityRow, round } from './rows.ts';
import type { ViewerReport } from './viewers/main.ts';

export type DensityMix = 'mix' | 'typing';

/** Density is measured at the size that memory is promised for. */
export const DENSITY_SIZE = '1920x1080';
export const DENSITY_SERVER = 'remotefx';

/** Of a hundred sessions, so many do this. */
const SHARES: readonly { readonly work: Work; readonly share: number }[] = [
  { work: 'work-idle', share: 40 },
  { work: 'work-terminal', share: 25 },
  { work: 'work-office', share: 20 },
  { work: 'work-web', share: 10 },
  { work: 'work-video', share: 5 },
];

const WARM_UP_MS = 5000;
/** Sessions are opened so many at a time. */
const AT_ONCE = 5;
const KEYS_PER_SECOND = 1;
const FINISH_WITHIN_MS = 180_000;
const SAMPLE_EVERY_MS = 3000;

export interface DensityWish {
  readonly sessions: number;
  readonly mix: DensityMix;
  readonly recorded: boolean;
  readonly seconds: number;
}

/** What each of so many sessions does: shares as even as whole sessions can be, in the same order on every run. */
export function worksOf(sessions: number, mix: DensityMix): (Work | 'type')[] {
  if (mix === 'typing') return Array.from({ length: sessions }, () => 'type' as const);
  const given = new Map<Work, number>();
  return Array.from({ length: sessions }, (_, i) => {
    const behind = ({ work, share }: (typeof SHARES)[number]) => (share * (i + 1)) / 100 - (given.get(work) ?? 0);
    const { work } = SHARES.reduce((most, one) => (behind(one) > behind(most) ? one : most));
    given.set(work, (given.get(work) ?? 0) + 1);
    return work;
  });
}

export async function measureDensity(lab: Lab, peer: OrielPeer, wish: DensityWish): Promise<DensityRow> {
  const { sessions: count, mix, recorded, seconds } = wish;
  const size = parseSize(DENSITY_SIZE)!;
  const { pssMb: emptyPss } = measureTree(peer.roots);
  const opened: { readonly session: PeerSession; readonly user: string }[] = [];
  const works = worksOf(count, mix);
  try {
    for (let at = 0; at < count; at += AT_ONCE) {
      await Promise.all(
        works.slice(at, at + AT_ONCE).map(async (work, i) => {
          const user = `${streamKey(work, DENSITY_SIZE, DENSITY_SERVER)}.density-${at + i}`;
          const types = work === 'work-terminal' || work === 'type';
          const typing = types ? { perSecond: KEYS_PER_SECOND, byMark: work !== 'type' } : undefined;
          const session = await peer.open({ user, password: 'bench', port: lab.ports.rdp, size, typing });
          opened.push({ session, user });
          await ready(lab, session, async () => (await lab.generator.call<UserCounts>('counts', user)).frames > 0);
        }),
      );
    }
    await sleep(WARM_UP_MS);
    const before = await snapshot(lab, peer, opened);
    const during = await watch(peer, seconds * 1000, recorded);
    const after = await snapshot(lab, peer, opened);
    const pssMb = Math.max(during.pssMb, measureTree(peer.roots).pssMb);
    const minutes = (after.at - before.at) / 60_000;
    const typed = after.reports.map(({ keys }, i) => ({
      seen: keys.slice(before.reports[i]?.keys.length),
      passed: after.counts[i]?.keys ?? [],
    }));
    const { p50Ms, p99Ms } = splitLatency(...typed);
    const sum = (reports: readonly ViewerReport[]) => reports.reduce((total, { bytes }) => total + bytes, 0);
    const ended = await endAll(peer, opened, recorded);
    return {
      ...{ sessions: count, mix, recorded, seconds: round(minutes * 60, 1) },
      ...{ p50Ms, p99Ms },
      pssMb: round(pssMb, 1),
      pssMbPerSession: round((pssMb - emptyPss) / count, 2),
      cpuSecondsPerMin: round((after.cpuSeconds - before.cpuSeconds) / minutes),
      gatewayWaitSecondsPerMin: round((after.gatewayWait - before.gatewayWait) / minutes),
      benchWaitSecondsPerMin: round((after.benchWait - before.benchWait) / minutes),
      benchCpuSecondsPerMin: round((after.benchCpu - before.benchCpu) / minutes),
      benchFirst: lab.isFirst,
      recordingLagS: ended && round(Math.max(during.behindS, ended.seconds), 1),
      recordingKbPerMin: ended && round(ended.kbPerMin, 1),
      spooledMb: recorded ? during.spooledMb : null,
      kbInPerMin: round((after.bytesIn - before.bytesIn) / 1000 / minutes, 1),
      kbOutPerMin: round((sum(after.reports) - sum(before.reports)) / 1000 / minutes, 1),
      keys: typed.reduce((sum, { seen }) => sum + seen.length, 0),
      lost: after.reports.filter(({ ended }) => ended !== undefined).length,
    };
  } finally {
    await Promise.allSettled(opened.map(({ session }) => session.close()));
  }
}

interface Snapshot {
  readonly at: number;
  readonly cpuSeconds: number;
  readonly gatewayWait: number;
  readonly benchWait: number;
  readonly benchCpu: number;
  readonly reports: readonly ViewerReport[];
  readonly bytesIn: number;
  readonly counts: readonly UserCounts[];
}

async function snapshot(
  lab: Lab,
  peer: OrielPeer,
  opened: readonly { session: PeerSession; user: string }[],
): Promise<Snapshot> {
  const ids = opened.flatMap(({ session }) => ('viewer' in session ? session.viewer : []));
  const reports = await lab.viewers.call<ViewerReport[]>('reports', ids);
  const counts = await Promise.all(opened.map(({ user }) => lab.generator.call<UserCounts>('counts', user)));
  return {
    ...{ at: performance.now(), cpuSeconds: treeCpuSeconds(peer.roots), reports, counts },
    gatewayWait: waitSeconds(peer.roots),
    benchWait: waitSeconds([lab.generator.pid, lab.viewers.pid]),
    benchCpu: treeCpuSeconds([lab.generator.pid, lab.viewers.pid]),
    bytesIn: counts.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The most of what comes and goes: memory of encoders, how far recordings are behind, and what waits for encoders. */
async function watch(peer: OrielPeer, ms: number, recorded: boolean) {
  const { admin } = peer.gateway;
  const end = performance.now() + ms;
  let pssMb = 0;
  let behindMs = 0;
  let spooled = 0;
  while (performance.now() < end) {
    await sleep(Math.min(SAMPLE_EVERY_MS, Math.max(0, end - performance.now())));
    pssMb = Math.max(pssMb, measureTree(peer.roots).pssMb);
    if (!recorded) continue;
    const sessions = await admin.sessions();
    behindMs = Math.max(behindMs, ...sessions.map(({ recordingHealth }) => recordingHealth?.behindMs ?? 0));
    spooled = Math.max(spooled, spooledBytes(peer));
  }
  return { pssMb, behindS: behindMs / 1000, spooledMb: round(spooled / 1e6, 1) };
}

function spooledBytes({ gateway }: OrielPeer): number {
  const files = gateway.files().filter((file) => file.includes('.spool'));
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Ends all sessions at once, and waits for their recordings. */
async function endAll(
  peer: OrielPeer,
  opened: readonly { readonly session: PeerSession }[],
  recorded: boolean,
): Promise<{ readonly seconds: number; readonly kbPerMin: number } | null> {
  const endedAt = performance.now();
  await Promise.all(opened.map(({ session }) => session.close()));
  if (!recorded) return null;
  const ids = new Set(opened.flatMap(({ session }) => session.id ?? []));
  for (;;) {
    const mine = (await peer.gateway.admin.recordings()).filter(({ id }) => ids.has(id));
    const seconds = (performance.now() - endedAt) / 1000;
    if (!mine.every(({ state }) => isOver(state)) && seconds * 1000 < FINISH_WITHIN_MS) {
      await sleep(200);
      continue;
    }
    const sum = (of: (row: (typeof mine)[number]) => number | null) =>
      mine.reduce((total, row) => total + (of(row) ?? 0), 0);
    return { seconds, kbPerMin: (sum(({ bytes }) => bytes) / 1000 / sum(({ durationMs }) => durationMs)) * 60_000 };
  }
}

function isOver(state: string): boolean {
  return state === 'ready' || state === 'failed';
}
