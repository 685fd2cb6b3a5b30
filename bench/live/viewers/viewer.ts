/** One simulated browser. */
export interface Viewer {
  readonly counts: ViewerCounts;
  /** Those whose picture has come. */
  readonly keys: readonly SeenKey[];
  /** Whether the first picture has come. */
  readonly ready: boolean;
  /** Why it is over, when it is. */
  readonly ended: string | undefined;
  /** How the desktop looks, where pictures are kept. */
  picture(): Promise<Picture | undefined>;
  /** Sends a key. */
  press(): void;
  /** Types no more. */
  rest(): void;
  close(): void;
}

export interface ViewerCounts {
  bytes: number;
  messages: number;
  /** Messages with pictures in them. */
  pictures: number;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGBA. */
  readonly pixels: Uint8Array;
}

/** One key, by `machineClock`: when it was pressed, and when its picture was there. */
export interface SeenKey {
  readonly pressedAt: number;
  readonly shownAt: number;
}

/** How fast a simulated user types, and whether answers are known by a mark or by being the only picture. */
export interface Typing {
  readonly perSecond: number;
  readonly byMark: boolean;
}

export type ViewerOptions = {
  readonly typing?: Typing | undefined;
  /** Keep pictures, to be compared. */
  readonly keep?: boolean | undefined;
} & (
  | {
      readonly kind: 'tunnel';
      readonly url: string;
      readonly ticket: string;
      /** Who presses the keys whose pictures this one waits for: it may only watch. */
      readonly typist?: number;
    }
  | { readonly kind: 'relay'; readonly url: string; readonly user: string }
  | {
      readonly kind: 'guacd';
      readonly host: string;
      readonly port: number;
      readonly target: {
        readonly host: string;
        readonly port: number;
        readonly username: string;
        readonly password: string;
        readonly width: number;
        readonly height: number;
      };
    }
);
