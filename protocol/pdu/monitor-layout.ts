import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import type { MonitorDefinition } from './gcc-client-data.ts';

/** [MS-RDPBCGR] names none here, and by Display Control there may be more monitors than the connection began with. */
export const MAX_LAYOUT_MONITORS = 64;

/**
 * The monitors as the server has them.
 * @pdu [MS-RDPBCGR] 2.2.12.1 TS_MONITOR_LAYOUT_PDU
 */
export interface MonitorLayout {
  readonly monitors: readonly MonitorDefinition[];
}

export function decodeMonitorLayout(cursor: ReadCursor): MonitorLayout {
  const count = cursor.u32('monitorCount');
  if (count > MAX_LAYOUT_MONITORS) throw cursor.error('limit_exceeded', 'monitorCount', `${count} monitors`);
  const monitors = Array.from({ length: count }, () => ({
    left: cursor.i32('left'),
    top: cursor.i32('top'),
    right: cursor.i32('right'),
    bottom: cursor.i32('bottom'),
    flags: cursor.u32('flags'),
  }));
  return { monitors };
}

export function sizeOfMonitorLayout(layout: MonitorLayout): number {
  return 4 /* monitorCount */ + layout.monitors.length * MONITOR_SIZE;
}

export function encodeMonitorLayout(layout: MonitorLayout, cursor: WriteCursor): void {
  cursor.u32(layout.monitors.length);
  for (const monitor of layout.monitors) {
    cursor.i32(monitor.left);
    cursor.i32(monitor.top);
    cursor.i32(monitor.right);
    cursor.i32(monitor.bottom);
    cursor.u32(monitor.flags);
  }
}

const MONITOR_SIZE = 20;
