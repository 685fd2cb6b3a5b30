import { ZgfxDecompressor } from '../../codecs/zgfx.ts';
import type { MessageMemory } from '../../core/message-memory.ts';
import type { DynamicChannel } from '../dynamic-channels.ts';
import { decodeGfxPdus } from './decode-pdu.ts';
import { encodeGfxPdu } from './encode-pdu.ts';
import { GfxWork } from './gfx-work.ts';
import { GfxCapsFlags, type GfxCapsSet, GfxCommand, GfxVersion, QueueDepth } from './pdu.ts';

/** [MS-RDPEGFX] 1.5. */
export const GRAPHICS_CHANNEL = 'Microsoft::Windows::RDS::Graphics';

/** What the graphics channel tells its session. */
export type GraphicsChannelOutput =
  /**
   * RDPGFX messages, decompressed, to be drawn in order. The bytes are only good during the call that hands them over.
   * `work` is what drawing them takes, in the units of `Work`.
   */
  | { readonly kind: 'pipeline'; readonly pdus: Uint8Array; readonly work: number }
  /** The desktop has a new size. */
  | { readonly kind: 'reset'; readonly width: number; readonly height: number }
  /** A frame is whole, and will be acknowledged. */
  | { readonly kind: 'frame-ended' };

/**
 * When frames are acknowledged, which is what makes a server send more of them ([MS-RDPEGFX] 3.2.5.13).
 *
 * - `send`: each at once; `queueDepth` is how many bytes wait to be decoded, if somebody knows
 * - `hold`: those that end from now on wait for `acknowledge` or until the pace changes, so a server stops when it is
 *   far enough ahead
 * - `suspend`: the server need not wait for any
 */
export type FramePace =
  | { readonly kind: 'send'; readonly queueDepth?: number }
  | { readonly kind: 'hold' }
  | { readonly kind: 'suspend' };

/**
 * The client's end of the graphics channel: agrees on a version, unpacks what comes, acknowledges frames. It draws
 * nothing: that is `graphics/pipeline`, wherever pixels are needed.
 *
 * AVC is refused by flags until there is a decoder for it; its codec ids stay reserved in `GfxCodecId`.
 */
export class GraphicsChannel implements DynamicChannel<GraphicsChannelOutput> {
  readonly name = GRAPHICS_CHANNEL;
  readonly #memory: MessageMemory | undefined;
  #zgfx = new ZgfxDecompressor();
  #work = new GfxWork();
  #framesDecoded = 0;
  #agreed: GfxCapsSet | undefined;
  #pace: FramePace = { kind: 'send' };
  /** Frames that ended while acknowledgements are held. */
  #held: number[] = [];
  #lastFrameId: number | undefined;

  /** @param memory for what is unpacked, which is good until it is reclaimed */
  constructor(memory?: MessageMemory) {
    this.#memory = memory;
  }

  /** What the server chose, once it has. */
  get agreed(): GfxCapsSet | undefined {
    return this.#agreed;
  }

  start(): Uint8Array[] {
    this.#zgfx = new ZgfxDecompressor();
    this.#work = new GfxWork();
    this.#framesDecoded = 0;
    this.#agreed = undefined;
    this.#held = [];
    this.#lastFrameId = undefined;
    return [encodeGfxPdu({ kind: 'caps-advertise', capsSets: offeredCapsSets() })];
  }

  process(message: Uint8Array, out: GraphicsChannelOutput[]): Uint8Array[] {
    const pdus = this.#zgfx.decompress(message, this.#memory);
    const answers: Uint8Array[] = [];
    let framesEnded = 0;
    for (const pdu of decodeGfxPdus(pdus, HEARD_COMMANDS, this.#work)) {
      switch (pdu.kind) {
        case 'caps-confirm':
          this.#agreed = pdu.capsSet;
          break;
        case 'reset-graphics':
          out.push({ kind: 'reset', width: pdu.width, height: pdu.height });
          break;
        case 'end-frame':
          this.#frameEnded(pdu.frameId, answers);
          framesEnded++;
          break;
        default:
          break;
      }
    }
    out.push({ kind: 'pipeline', pdus, work: this.#work.take() + pdus.length });
    for (let i = 0; i < framesEnded; i++) out.push({ kind: 'frame-ended' });
    return answers;
  }

  /**
   * Acknowledges the oldest frames that are held.
   * @param queueDepth bytes that wait to be decoded, if somebody knows
   */
  acknowledge(count: number, queueDepth?: number): Uint8Array[] {
    const depth = wireDepth(queueDepth);
    return this.#held.splice(0, count).map((frameId) => this.#acknowledge(frameId, depth));
  }

  /** Changes the pace. Returns the messages to send: acknowledgements that were held, or word of the suspension. */
  pace(pace: FramePace): Uint8Array[] {
    const before = this.#pace;
    this.#pace = pace;
    const held = this.#held.splice(0);
    if (this.#lastFrameId === undefined) return [];
    switch (pace.kind) {
      case 'hold':
        this.#held = held;
        return [];
      case 'suspend':
        return before.kind === 'suspend' ? [] : [this.#acknowledge(this.#lastFrameId, QueueDepth.suspendAcknowledge)];
      case 'send': {
        const depth = wireDepth(pace.queueDepth);
        // The first acknowledgement after a suspension takes it back.
        if (before.kind === 'suspend') return [this.#acknowledge(this.#lastFrameId, depth)];
        return held.map((frameId) => this.#acknowledge(frameId, depth));
      }
      default:
        return pace satisfies never;
    }
  }

  close(): void {
    this.#agreed = undefined;
    this.#held = [];
    this.#lastFrameId = undefined;
  }

  #frameEnded(frameId: number, answers: Uint8Array[]): void {
    const first = this.#lastFrameId === undefined;
    this.#lastFrameId = frameId;
    this.#framesDecoded = (this.#framesDecoded + 1) >>> 0;
    const pace = this.#pace;
    if (pace.kind === 'send') answers.push(this.#acknowledge(frameId, wireDepth(pace.queueDepth)));
    else if (pace.kind === 'suspend') {
      if (first) answers.push(this.#acknowledge(frameId, QueueDepth.suspendAcknowledge));
    } else {
      // A server that waits for nobody does not get to fill our memory: only the newest matter to one that does.
      if (this.#held.length >= MAX_HELD) this.#held.shift();
      this.#held.push(frameId);
    }
  }

  #acknowledge(frameId: number, depth: number): Uint8Array {
    return encodeGfxPdu({
      kind: 'frame-acknowledge',
      queueDepth: depth,
      frameId,
      totalFramesDecoded: this.#framesDecoded,
    });
  }
}

const MAX_HELD = 256;

/** What concerns the channel itself; all the rest is for whoever draws, and passed over unread. */
const HEARD_COMMANDS: ReadonlySet<number> = new Set([
  GfxCommand.capsConfirm,
  GfxCommand.resetGraphics,
  GfxCommand.endFrame,
]);

/** A depth of no bytes would mean that nobody knows. */
function wireDepth(bytes: number | undefined): number {
  if (bytes === undefined) return QueueDepth.unavailable;
  return Math.min(Math.max(1, Math.floor(bytes)), QueueDepth.suspendAcknowledge - 1);
}

/** Newest last, as clients list them; small caches, no AVC. Version 10.1 is left out: it has no flag to refuse AVC. */
function offeredCapsSets(): GfxCapsSet[] {
  const flags = GfxCapsFlags.smallCache | GfxCapsFlags.avcDisabled;
  return [
    { version: GfxVersion.v8, flags: GfxCapsFlags.smallCache },
    { version: GfxVersion.v81, flags: GfxCapsFlags.smallCache },
    { version: GfxVersion.v10, flags },
    { version: GfxVersion.v102, flags },
    { version: GfxVersion.v103, flags: GfxCapsFlags.avcDisabled },
    { version: GfxVersion.v104, flags },
    { version: GfxVersion.v105, flags },
    { version: GfxVersion.v106, flags },
    { version: GfxVersion.v107, flags },
  ];
}
