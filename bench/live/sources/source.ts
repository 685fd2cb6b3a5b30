import type { Picture } from '../viewers/viewer.ts';

/** The server of one row: who logs on to it and where, and what it is asked to draw. */
export interface Source {
  readonly user: string;
  readonly password: string;
  /** RDP, through the in-path proxy. */
  readonly port: number;
  /** The same bytes in TLS without RDP's connection sequence, through the proxy; a real server has none. */
  readonly rawPort: number | undefined;
  /** Whether keys are answered with a mark in whatever else is drawn. */
  readonly marksKeys: boolean;
  /** Its work begins: somebody has logged on and sees the desktop. */
  begin(): Promise<void>;
  counts(): Promise<SourceCounts>;
  /** Nothing is drawn any more. */
  freeze(): Promise<void>;
  /** What a client without loss shows now. */
  truth(): Promise<Picture>;
  /** Whoever logged on has gone; the next row begins from the same desktop. */
  end(): Promise<void>;
}

export interface SourceCounts {
  /** Frames that were sent; `null` where only the server knows what one is. */
  readonly frames: number | null;
  readonly hasClient: boolean;
}
