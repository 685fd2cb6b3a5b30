import type { InputEvent } from '#protocol/pdu/input.ts';
import type { LockKeys } from '#protocol/pdu/lock-keys.ts';
import type { ClipboardNews, FileOffer, PictureChoice, ViewerMode, ViewerRole } from '#protocol/tunnel/messages.ts';
import type { Size } from './scaling.ts';

/** Why a session or a view of it is over. `code` is stable; `message` and `hint` are for people. */
export interface EndReason {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export interface Notice {
  readonly code: string;
  readonly message: string;
  readonly viewers?: number;
  /** Whose word or doing it is. */
  readonly from?: string;
}

/** A pointer's shape; `rgba` is width * height * 4 bytes, not premultiplied. */
export interface PointerPicture {
  readonly kind: 'shape';
  readonly width: number;
  readonly height: number;
  readonly hotX: number;
  readonly hotY: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** How the pointer looks. */
export type PointerLook = { readonly kind: 'default' | 'hidden' } | PointerPicture;

/** Page to worker. */
export type WorkerCommand =
  | {
      readonly type: 'open';
      readonly url: string;
      readonly ticket: string;
      readonly canvas: OffscreenCanvas;
      readonly pictures: PictureChoice;
    }
  /** How the owner would like to be served. */
  | { readonly type: 'pictures'; readonly choice: PictureChoice }
  | { readonly type: 'input'; readonly events: readonly InputEvent[] }
  | { readonly type: 'end-session' }
  /** The desktop should have this size, if the server can do that. */
  | { readonly type: 'resize'; readonly size: Size }
  | { readonly type: 'visibility'; readonly visible: boolean }
  /** Text of the user's clipboard, for the desktop's. */
  | { readonly type: 'clipboard-offer'; readonly text: string }
  /** Files of the user, for the desktop's clipboard. */
  | { readonly type: 'file-offer'; readonly offer: FileOffer }
  /** What was asked for of a file; nothing where it cannot be read. */
  | { readonly type: 'file-read'; readonly request: number; readonly data: ArrayBuffer | undefined }
  | { readonly type: 'file-cancel'; readonly id: number }
  | { readonly type: 'close' };

/** Worker to page. */
export type WorkerEvent =
  | { readonly type: 'hello'; readonly role: ViewerRole; readonly mode: ViewerMode }
  /** From here on the desktop is served so. */
  | { readonly type: 'mode'; readonly mode: ViewerMode }
  | { readonly type: 'phase'; readonly phase: string }
  | { readonly type: 'size'; readonly size: Size }
  /** The first picture of the desktop is on the canvas. */
  | { readonly type: 'active' }
  | { readonly type: 'pointer'; readonly look: PointerLook }
  | { readonly type: 'pointer-position'; readonly x: number; readonly y: number }
  | { readonly type: 'notice'; readonly notice: Notice }
  /** The toggle keys as the server has them. */
  | { readonly type: 'lock-keys'; readonly lockKeys: LockKeys }
  | { readonly type: 'clipboard'; readonly news: ClipboardNews }
  /** Milliseconds to the gateway and back. */
  | { readonly type: 'latency'; readonly milliseconds: number }
  | { readonly type: 'ended'; readonly reason: EndReason };
