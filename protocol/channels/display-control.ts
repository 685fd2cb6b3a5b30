/** Display Control ([MS-RDPEDISP]): the client asks for another desktop size while the session is up. */
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import type { DynamicChannel } from './dynamic-channels.ts';

export const DISPLAY_CONTROL_CHANNEL = 'Microsoft::Windows::RDS::DisplayControl';

/** What the server can do. @pdu [MS-RDPEDISP] 2.2.2.1 DISPLAYCONTROL_CAPS_PDU */
export interface DisplayControlCapabilities {
  readonly maxMonitors: number;
  /** All monitors together have at most `maxMonitors * areaFactorA * areaFactorB` pixels. */
  readonly areaFactorA: number;
  readonly areaFactorB: number;
}

/** [MS-RDPEDISP] 2.2.2.2.1 DISPLAYCONTROL_MONITOR_LAYOUT; pixels, millimetres, degrees, percent. */
export interface DisplayMonitor {
  readonly primary: boolean;
  readonly left: number;
  readonly top: number;
  /** Even. */
  readonly width: number;
  readonly height: number;
  readonly physicalWidth: number;
  readonly physicalHeight: number;
  readonly orientation: number;
  readonly desktopScaleFactor: number;
  readonly deviceScaleFactor: number;
}

/** @pdu [MS-RDPEDISP] 2.2.2.2 DISPLAYCONTROL_MONITOR_LAYOUT_PDU */
export interface DisplayMonitorLayout {
  readonly monitors: readonly DisplayMonitor[];
}

export type DisplayControlPdu =
  | { readonly kind: 'capabilities'; readonly capabilities: DisplayControlCapabilities }
  | { readonly kind: 'monitor-layout'; readonly layout: DisplayMonitorLayout }
  | { readonly kind: 'unknown'; readonly type: number };

/** [MS-RDPEDISP] 2.2.2.2.1 Width and Height. */
export const MIN_MONITOR_SIDE = 200;
export const MAX_MONITOR_SIDE = 8192;

/** [MS-RDPEDISP] 2.2.2.2: more monitors than any server takes. */
const MAX_MONITORS = 64;

export function decodeDisplayControl(cursor: ReadCursor): DisplayControlPdu {
  const type = cursor.u32('Type');
  const length = cursor.u32('Length');
  if (length < HEADER_SIZE) throw cursor.error('invalid_value', 'Length', `${length} is less than the header`);
  const body = cursor.sub(length - HEADER_SIZE, 'Length', 'DISPLAYCONTROL_HEADER');
  if (type === PduType.capabilities) {
    const maxMonitors = body.u32('MaxNumMonitors');
    const areaFactorA = body.u32('MaxMonitorAreaFactorA');
    return { kind: 'capabilities', capabilities: { maxMonitors, areaFactorA, areaFactorB: body.u32('FactorB') } };
  }
  if (type === PduType.monitorLayout) return { kind: 'monitor-layout', layout: decodeLayout(body) };
  return { kind: 'unknown', type };
}

export function sizeOfDisplayControl(pdu: Exclude<DisplayControlPdu, { kind: 'unknown' }>): number {
  if (pdu.kind === 'capabilities') return HEADER_SIZE + 12; // three numbers
  return HEADER_SIZE + 8 /* size, count */ + pdu.layout.monitors.length * MONITOR_SIZE;
}

export function encodeDisplayControl(pdu: Exclude<DisplayControlPdu, { kind: 'unknown' }>): Uint8Array<ArrayBuffer> {
  const size = sizeOfDisplayControl(pdu);
  const cursor = new WriteCursor(size);
  cursor.u32(pdu.kind === 'capabilities' ? PduType.capabilities : PduType.monitorLayout);
  cursor.u32(size);
  if (pdu.kind === 'capabilities') {
    cursor.u32(pdu.capabilities.maxMonitors);
    cursor.u32(pdu.capabilities.areaFactorA);
    cursor.u32(pdu.capabilities.areaFactorB);
    return cursor.finish();
  }
  const { monitors } = pdu.layout;
  cursor.u32(MONITOR_SIZE);
  cursor.u32(monitors.length);
  for (const monitor of monitors) encodeMonitor(monitor, cursor);
  return cursor.finish();
}

/**
 * The client's side. A wish that comes before the server has opened the channel, or has said what it can do, is kept:
 * the last one counts.
 */
export class DisplayControl implements DynamicChannel<never> {
  readonly name = DISPLAY_CONTROL_CHANNEL;
  #capabilities: DisplayControlCapabilities | undefined;
  #wish: { readonly width: number; readonly height: number } | undefined;

  /** Whether the server takes wishes now. */
  get ready(): boolean {
    return this.#capabilities !== undefined;
  }

  start(): Uint8Array[] {
    return [];
  }

  process(message: Uint8Array): Uint8Array[] {
    const pdu = decodeDisplayControl(new ReadCursor(message, 'DISPLAYCONTROL_PDU'));
    if (pdu.kind !== 'capabilities') return [];
    this.#capabilities = pdu.capabilities;
    const wish = this.#wish;
    return wish === undefined ? [] : this.resize(wish.width, wish.height);
  }

  close(): void {
    this.#capabilities = undefined;
  }

  /**
   * Asks for one monitor of this size, cut to what the server can do; the factors are left at 100 percent.
   * @returns what to send on the channel: nothing while the server does not listen
   */
  resize(width: number, height: number): Uint8Array[] {
    if (!(width > 0 && height > 0)) throw new UsageError(`a desktop of ${width} x ${height}`);
    const capabilities = this.#capabilities;
    if (capabilities === undefined) {
      this.#wish = { width, height };
      return [];
    }
    this.#wish = undefined;
    const monitor = { primary: true, left: 0, top: 0, ...within({ width, height }, capabilities), ...PLAIN };
    return [encodeDisplayControl({ kind: 'monitor-layout', layout: { monitors: [monitor] } })];
  }
}

/** Unknown physical size, landscape, 100 percent. */
const PLAIN = { physicalWidth: 0, physicalHeight: 0, orientation: 0, desktopScaleFactor: 100, deviceScaleFactor: 100 };

/** The nearest size that the specification and the server allow; sides shrink alike where the area is too large. */
function within(
  size: { readonly width: number; readonly height: number },
  { maxMonitors, areaFactorA, areaFactorB }: DisplayControlCapabilities,
): { width: number; height: number } {
  const side = (value: number) => Math.min(Math.max(Math.floor(value), MIN_MONITOR_SIDE), MAX_MONITOR_SIDE);
  const wished = { width: side(size.width), height: side(size.height) };
  const area = maxMonitors * areaFactorA * areaFactorB;
  const shrink = Math.min(1, Math.sqrt(area / (wished.width * wished.height)));
  // A server that allows less than the specification's least is not to be believed.
  return { width: side(wished.width * shrink) & ~1, height: side(wished.height * shrink) };
}

const PduType = { monitorLayout: 2, capabilities: 5 } as const;
/** [MS-RDPEDISP] 2.2.1.1 DISPLAYCONTROL_HEADER. */
const HEADER_SIZE = 8;
const MONITOR_SIZE = 40;
const MONITOR_PRIMARY = 1;

function decodeLayout(cursor: ReadCursor): DisplayMonitorLayout {
  const size = cursor.u32('MonitorLayoutSize');
  if (size !== MONITOR_SIZE) throw cursor.error('invalid_value', 'MonitorLayoutSize', `${size} is not 40`);
  const count = cursor.u32('NumMonitors');
  if (count > MAX_MONITORS) throw cursor.error('limit_exceeded', 'NumMonitors', `${count} monitors`);
  const monitors = Array.from({ length: count }, () => ({
    primary: (cursor.u32('Flags') & MONITOR_PRIMARY) !== 0,
    left: cursor.i32('Left'),
    top: cursor.i32('Top'),
    width: cursor.u32('Width'),
    height: cursor.u32('Height'),
    physicalWidth: cursor.u32('PhysicalWidth'),
    physicalHeight: cursor.u32('PhysicalHeight'),
    orientation: cursor.u32('Orientation'),
    desktopScaleFactor: cursor.u32('DesktopScaleFactor'),
    deviceScaleFactor: cursor.u32('DeviceScaleFactor'),
  }));
  return { monitors };
}

function encodeMonitor(monitor: DisplayMonitor, cursor: WriteCursor): void {
  cursor.u32(monitor.primary ? MONITOR_PRIMARY : 0);
  cursor.i32(monitor.left);
  cursor.i32(monitor.top);
  cursor.u32(monitor.width);
  cursor.u32(monitor.height);
  cursor.u32(monitor.physicalWidth);
  cursor.u32(monitor.physicalHeight);
  cursor.u32(monitor.orientation);
  cursor.u32(monitor.desktopScaleFactor);
  cursor.u32(monitor.deviceScaleFactor);
}
