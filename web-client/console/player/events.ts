/** What a recording's event log has in each line, as the API gives it. Types and fields only ever grow in number. */
export interface RecordedEvent {
  readonly n: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds since the video's first frame; null before there was one. */
  readonly t: number | null;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** An event as the player shows it. */
export interface TimelineEvent {
  readonly n: number;
  /** The video's clock. */
  readonly at: number;
  readonly type: string;
  readonly tone: 'input' | 'session' | 'attention' | 'other';
  readonly title: string;
  readonly detail: string;
}
