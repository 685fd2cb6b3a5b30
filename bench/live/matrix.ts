/** What `bench -- live` can be asked to measure. */
export const SCENARIOS = ['idle', 'type', 'scroll', 'page', 'drag', 'video', 'mix'] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** What `--growth` plays: a film in several sizes, and one that shows more and fewer pictures a second. */
export const FILMS = [
  'film-320x180-10',
  'film-640x360-10',
  'film-960x540-10',
  'film-1280x720-10',
  'film-640x360-5',
  'film-640x360-20',
  'film-640x360-30',
] as const;
export type Film = (typeof FILMS)[number];

/** @returns its size in pixels and pictures a second; undefined for what is no film */
export function parseFilm(scenario: string): (Size & { readonly perSecond: number }) | undefined {
  const [, size = '', perSecond] = /^film-(\d+x\d+)-(\d+)$/.exec(scenario) ?? [];
  const pixels = parseSize(size);
  return pixels && { ...pixels, perSecond: Number(perSecond) };
}

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
