import type { Desktop } from './desktop.ts';

/** A real RDP server that a test started, with an account that may log on to it. */
export interface LabServer {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The screen's size where the server fixes it. */
  readonly width: number;
  readonly height: number;
  /** The X side; for xrdp it exists once somebody has logged on, and this waits for it. */
  desktop(): Promise<Desktop>;
  /** Ends the RDP server at once, as a power cut would; `stop` is still owed. */
  kill(): Promise<void>;
  /** Ends everything that was started and removes its files. */
  stop(): Promise<void>;
  /** The last of what the server printed. */
  log(): string;
}
