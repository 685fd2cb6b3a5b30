import type { BenchProcess } from '../calls.ts';
import type { PeerName, Size } from '../matrix.ts';
import type { ViewerReport } from '../viewers/main.ts';
import type { Typing } from '../viewers/viewer.ts';

/** Something that stands between an RDP server and browsers, and whose cost is measured. */
export interface Peer {
  readonly name: PeerName;
  /** For the report. */
  readonly version: string;
  /** The processes that do the work, with all their descendants. */
  readonly roots: readonly number[];
  /** Why it cannot show what a server sends, where that is known beforehand. */
  refuses?(server: string): string | undefined;
  open(wish: SessionWish): Promise<PeerSession>;
  stop(): Promise<void>;
}

/** A session of the load generator, as its user name asks for it, or one of a real server. */
export interface SessionWish {
  readonly user: string;
  readonly password: string;
  readonly port: number;
  /** The same bytes in TLS alone; see `Source`. */
  readonly rawPort?: number | undefined;
  readonly size: Size;
  readonly typing?: Typing | undefined;
  /** Keep what comes, to compare the picture. */
  readonly keep?: boolean | undefined;
}

export type PeerSession = {
  /** The gateway's name of it. */
  readonly id?: string;
  close(): Promise<void>;
} & (
  | {
      /** The viewer whose bytes and pictures count. */
      readonly viewer: number;
    }
  | {
      /** Where a peer has no browser: what it handed on itself. */
      report(): Promise<ViewerReport>;
      readonly viewer?: undefined;
    }
);

/** A peer that is not there, and why. */
export class Absent extends Error {
  override readonly name = 'Absent';
}

export interface PeerContext {
  readonly viewers: BenchProcess;
  readonly recorded: boolean;
  readonly guacd: string | undefined;
  readonly nodeRdpjs: string | undefined;
}
