import type { BenchProcess } from '../calls.ts';
import type { GeneratorPorts } from '../generator/main.ts';
import type { PeerName, Size } from '../matrix.ts';
import type { Typing } from '../viewers/viewer.ts';

/** Something that stands between an RDP server and browsers, and whose cost is measured. */
export interface Peer {
  readonly name: PeerName;
  /** For the report. */
  readonly version: string;
  /** The processes that do the work, with all their descendants. */
  readonly roots: readonly number[];
  open(wish: SessionWish): Promise<PeerSession>;
  stop(): Promise<void>;
}

/** A session of the load generator, as its user name asks for it, or one of a real server. */
export interface SessionWish {
  readonly user: string;
  readonly password: string;
  readonly port: number;
  readonly size: Size;
  readonly typing?: Typing | undefined;
  /** Keep what comes, to compare the picture. */
  readonly keep?: boolean | undefined;
}

export interface PeerSession {
  /** The viewer whose bytes and pictures count; nobody where a peer has no browser. */
  readonly viewer: number | undefined;
  /** The gateway's name of it. */
  readonly id?: string;
  /** Bytes that the peer handed on, where no viewer counts them. */
  bytesOut?(): Promise<{ readonly bytes: number; readonly pictures: number }>;
  close(): Promise<void>;
}

/** A peer that is not there, and why. */
export class Absent extends Error {
  override readonly name = 'Absent';
}

export interface PeerContext {
  readonly ports: GeneratorPorts;
  readonly viewers: BenchProcess;
  readonly recorded: boolean;
  readonly guacd: string | undefined;
  readonly nodeRdpjs: string | undefined;
}
