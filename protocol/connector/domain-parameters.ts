/** How a server settles the parameters of the MCS domain ([MS-RDPBCGR] 3.3.5.3.3). */
import { DecodeError } from '../core/errors.ts';
import type { ConnectInitial, DomainParameters } from '../pdu/mcs.ts';

const MIN_CHANNEL_IDS = 4;
const MIN_USER_IDS = 3;
const MIN_PDU_SIZE = 124;
const MAX_PDU_SIZE = 65528;
/** The one number of priorities, the one height and the one version of T.125 that RDP knows. */
const PRIORITIES = 1;
const HEIGHT = 1;
const VERSION = 2;

/** What the client aims at, where a server of RDP can do with it. Throws `DecodeError` where its range leaves nothing. */
export function mergeDomainParameters({ target, minimum, maximum }: DomainRange): DomainParameters {
  const atLeast = (field: 'maxChannelIds' | 'maxUserIds', least: number): number => {
    if (target[field] >= least) return target[field];
    if (maximum[field] < least) throw unmergeable(field);
    return least;
  };
  if (minimum.numPriorities > PRIORITIES) throw unmergeable('numPriorities');
  if (target.maxHeight !== HEIGHT && minimum.maxHeight > HEIGHT) throw unmergeable('maxHeight');
  if (target.protocolVersion !== VERSION && !(minimum.protocolVersion <= VERSION && maximum.protocolVersion >= VERSION))
    throw unmergeable('protocolVersion');
  return {
    maxChannelIds: atLeast('maxChannelIds', MIN_CHANNEL_IDS),
    maxUserIds: atLeast('maxUserIds', MIN_USER_IDS),
    maxTokenIds: target.maxTokenIds,
    numPriorities: PRIORITIES,
    minThroughput: target.minThroughput,
    maxHeight: HEIGHT,
    maxMcsPduSize: mergePduSize(target.maxMcsPduSize, minimum.maxMcsPduSize, maximum.maxMcsPduSize),
    protocolVersion: VERSION,
  };
}

type DomainRange = Pick<ConnectInitial, 'target' | 'minimum' | 'maximum'>;

function mergePduSize(target: number, minimum: number, maximum: number): number {
  if (target >= MIN_PDU_SIZE && target <= MAX_PDU_SIZE) return target;
  if (target > MAX_PDU_SIZE && minimum >= MIN_PDU_SIZE && minimum <= MAX_PDU_SIZE) return MAX_PDU_SIZE;
  if (target < MIN_PDU_SIZE && maximum >= MIN_PDU_SIZE) return maximum;
  throw unmergeable('maxMCSPDUsize');
}

function unmergeable(field: string): DecodeError {
  return new DecodeError('invalid_value', 'MCS Connect Initial', field, 0, 'no value that a server can do with');
}
