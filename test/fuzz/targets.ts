import { CODEC_TARGETS } from './codec-targets.ts';
import type { FuzzTarget } from './fuzz.ts';
import { MESSAGE_TARGETS } from './message-targets.ts';
import { PROTOCOL_TARGETS } from './protocol-targets.ts';

/** Every decoder and state machine that takes bytes from a peer. */
export const TARGETS: readonly FuzzTarget[] = [...CODEC_TARGETS, ...MESSAGE_TARGETS, ...PROTOCOL_TARGETS];
