/** What `bench -- live` can be asked to measure. */
export const SCENARIOS = ['idle', 'type', 'scroll', 'page', 'drag', 'video', 'mix'] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** What sessions of a density run do: their work is that of the recording bench, at 1920 × 1080. */
export const WORKS = ['work-idle', 'work-terminal', 'work-office', 'work-web', 'work-video'] as const;
export type Work = (typeof WORKS)[number];

export const SIZES = ['1280x800', '1920x1080'] as const;

/** How our own server sends pictures: classic bitmaps (planar), RemoteFX surface commands, or the graphics pipeline. */
export const SENDERS = ['classic', 'remotefx', 'gfx'] as const;
export type Sender = (typeof SENDERS)[number];

/** Real servers, where they are installed. */
export const REAL_SERVERS = ['xrdp', 'freerdp-shadow'] as const;
export type RealServer = (typeof REAL_SERVERS)[number];

/** Whatever can send pictures. */
export const SERVERS = [...SENDERS, ...REAL_SERVERS] as const;
export type Server = (typeof SERVERS)[number];

export const PEERS = ['oriel-stream', 'oriel-regions', 'relay', 'guacd', 'node-rdpjs'] as const;
export type PeerName = (typeof PEERS)[number];

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `1280x800`. @returns undefined for what is no size of a desktop */
export function parseSize(text: string): Size | undefined {
  const [, width, height] = /^(\d{3,4})x(\d{3,4})$/.exec(text) ?? [];
  if (width === undefined || height === undefined) return undefined;
  return { width: Number(width), height: Number(height) };
}

/** Names one stream of the load generator; clients say it as their user name. */
export function streamKey(scenario: string, size: string, sender: string): string {
  return `${scenario}-${size}-${sender}`;
}
