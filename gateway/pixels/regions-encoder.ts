import sharp, { type Sharp } from 'sharp';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { Region, RegionEncoding } from '#protocol/tunnel/messages.ts';
import { encodeIndexedPng, type IndexedPicture } from './indexed-png.ts';

// Desktop pictures are small and many: one thread a picture, and nothing kept.
sharp.concurrency(1);
sharp.cache(false);

/** A part of the picture with a way of encoding chosen, its pixels copied out: the picture may change meanwhile. */
export type Piece =
  | { readonly kind: 'copy'; readonly rect: Rect; readonly fromX: number; readonly fromY: number }
  | { readonly kind: 'rgba'; readonly rect: Rect; readonly rgba: Uint8Array }
  | { readonly kind: 'indexed'; readonly rect: Rect; readonly picture: IndexedPicture }
  | { readonly kind: keyof typeof formats; readonly rect: Rect; readonly rgb: Uint8Array };

/** Encodes the pieces; what comes out has their order. */
export function encodeRegions(pieces: readonly Piece[]): Promise<Region[]> {
  return Promise.all(pieces.map(encodePiece));
}

type Encode = (image: Sharp) => Sharp;

/** How pieces in full colour become files. */
const formats = {
  /** Exact. */
  lossless: { encoding: 'webp', encode: (image) => image.webp({ lossless: true, effort: 1 }) },
  /** For text that went through a lossy codec of the server: values at most two off, a third of the bytes saved. */
  'near-lossless': { encoding: 'webp', encode: (image) => image.webp({ nearLossless: true, quality: 60, effort: 1 }) },
  /** The same where it is on the move: values at most eight off, and smaller than any JPEG of this size that is as good. */
  'moving-text': { encoding: 'webp', encode: (image) => image.webp({ nearLossless: true, quality: 40, effort: 1 }) },
  /** The same where it changes too often for that. */
  'quick-text': { encoding: 'jpeg', encode: (image) => image.jpeg({ quality: 90, chromaSubsampling: '4:4:4' }) },
  'thin-text': { encoding: 'webp', encode: (image) => image.webp({ quality: 80, effort: 2, smartSubsample: true }) },
  /** Colours at full resolution: at equal bytes truer than WebP, which halves them, and for half of its time. */
  photo: { encoding: 'jpeg', encode: (image) => image.jpeg({ quality: 84, chromaSubsampling: '4:4:4' }) },
  'thin-photo': { encoding: 'webp', encode: (image) => image.webp({ quality: 60, effort: 2 }) },
} as const satisfies Record<string, { encoding: RegionEncoding; encode: Encode }>;

async function encodePiece(piece: Piece): Promise<Region> {
  const { rect } = piece;
  switch (piece.kind) {
    case 'copy':
      return { ...rect, encoding: 'copy', fromX: piece.fromX, fromY: piece.fromY };
    case 'rgba':
      return { ...rect, encoding: 'rgba', bytes: piece.rgba };
    case 'indexed':
      return { ...rect, encoding: 'png', bytes: await encodeIndexedPng(piece.picture) };
    default: {
      const { encoding, encode } = formats[piece.kind];
      const raw = { width: rect.width, height: rect.height, channels: 3 } as const;
      return { ...rect, encoding, bytes: await encode(sharp(piece.rgb, { raw })).toBuffer() };
    }
  }
}
