import type { PeerName } from './matrix.ts';

/**
 * One peer at one kind of work, with one session. KB are 1000 bytes. `null` where something was not, or cannot be, measured.
 */
export interface LiveRow {
  readonly scenario: string;
  readonly size: string;
  /** `classic`, `remotefx`, `gfx` of the load generator, or a real server. */
  readonly server: string;
  readonly peer: PeerName;
  /** User and system time of the peer's processes and all their descendants. */
  readonly cpuSecondsPerMin: number;
  /** From the server to the peer: bytes inside TLS. */
  readonly kbInPerMin: number;
  /** From the peer to the browser: bytes inside TLS and WebSocket. */
  readonly kbOutPerMin: number;
  /** From a key to its picture, without the server's own time. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Proportional memory of all the peer's processes, with this session. */
  readonly pssMb: number;
  /** Of the picture at the browser against the server's, the moment the last frame was drawn; 99 where they are equal. */
  readonly psnr: number | null;
  /** Of the peer's first process alone: of Oriel, the gateway without its pixel host. */
  readonly frontCpuSecondsPerMin: number;
  /** What the peer's processes take without any session, in the same run. */
  readonly baseCpuSecondsPerMin: number;
  readonly cpuMsPerMb: number | null;
  /** What the session added to the peer's memory. */
  readonly sessionPssMb: number;
  /** Frames that the server sent, where it says so. */
  readonly framesPerMin: number | null;
  /** Messages with pictures to the browser. */
  readonly picturesPerMin: number;
  readonly keys: number;
  /** How often the first process's first thread has written, to whomever, and has been woken; with what it does at rest. */
  readonly writesPerMin: number | null;
  readonly wakeUpsPerMin: number;
  /** Medians of a key's way to the server's door, of its picture's way back, and of the server's own time, which is taken off. */
  readonly keyMs: number | null;
  readonly pictureMs: number | null;
  readonly serverShareMs: number | null;
  /** As `psnr`, three seconds later. */
  readonly settledPsnr: number | null;
  readonly seconds: number;
}

/** Many sessions at once through one gateway. */
export interface DensityRow {
  readonly sessions: number;
  /** `mix`: 40 % idle, 25 % terminal, 20 % office, 10 % web, 5 % video; `typing`: everybody types. */
  readonly mix: string;
  readonly recorded: boolean;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Of all processes together. */
  readonly pssMb: number;
  readonly pssMbPerSession: number;
  /** Of all sessions together. */
  readonly cpuSecondsPerMin: number;
  /**
   * How long the gateway's first process, servers and browsers were ready to run and waited for a processor, in seconds a
   * minute.
   */
  readonly gatewayWaitSecondsPerMin: number;
  readonly benchWaitSecondsPerMin: number;
  /** What servers and browsers took themselves: a run in which that is much more than in others measured them. */
  readonly benchCpuSecondsPerMin: number;
  /** Servers and browsers, which have machines of their own otherwise, had a processor whenever they wanted one. */
  readonly benchFirst: boolean;
  /** The longest that a recording was behind: its oldest picture that was not encoded, or from its session's end to its own. */
  readonly recordingLagS: number | null;
  /** Of the finished recordings, a session. */
  readonly recordingKbPerMin: number | null;
  /** The most that waited for encoders on the disk, of all sessions together. */
  readonly spooledMb: number | null;
  readonly kbInPerMin: number;
  readonly kbOutPerMin: number;
  readonly keys: number;
  /** Sessions that ended by themselves. */
  readonly lost: number;
  readonly seconds: number;
}

/** How fast a server that sends as fast as it can is let send. */
export interface PaceRow {
  readonly server: string;
  readonly size: string;
  /** Whole frames that the server sent in a second. */
  readonly framesPerSecond: number;
  /** How many desktops' worth of pixels each frame draws. */
  readonly desktopsPerFrame: number;
}

/** What a browser made of the pictures. */
export interface BrowserRow {
  readonly scenario: string;
  readonly server: string;
  readonly size: string;
  /** Frames that the browser's worker drew and acknowledged in a second, of 60 sent. */
  readonly drawnPerSecond: number;
  /** The same of a stream that is in memory, one frame whenever the page shows one: without network and gateway. */
  readonly drawnFromMemoryPerSecond: number;
  /** Processor time of the viewer's worker for one of these, in milliseconds. */
  readonly workerMsPerFrame: number;
  /** Frames that the page itself could have drawn in a second. */
  readonly pageFramesPerSecond: number;
  /** Tasks of the page's main thread over 16 ms, by processor time and by the clock. */
  readonly longTasks: number;
  readonly longTasksByClock: number;
  readonly longestTaskMs: number;
}

export interface Skipped {
  readonly what: string;
  readonly why: string;
}

export interface LiveReport {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly startedAt: string;
  readonly rows: readonly LiveRow[];
  readonly density: readonly DensityRow[];
  readonly pace: readonly PaceRow[];
  readonly browser: readonly BrowserRow[];
  readonly skipped: readonly Skipped[];
}

export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

/** @param share from 0 to 1 @returns null for an empty list */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? null;
}
