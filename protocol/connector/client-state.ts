/** The phases of the client's connection sequence, and what each carries. The transitions are in client-connector.ts. */
import { UsageError } from '../core/errors.ts';
import type { FindSize } from '../pdu/frame-buffer.ts';
import type { ServerData } from '../pdu/gcc-server-data.ts';
import { RDSTLS_CAPABILITIES_SIZE, RDSTLS_RESPONSE_SIZE } from '../pdu/rdstls.ts';
import { findFrameSize, findTpktSize } from '../pdu/tpkt.ts';
import type { CredSspClient } from '../security/credssp-client.ts';
import type { SecuredFrames } from '../security/secured-frames.ts';
import { findTsRequestSize } from '../security/ts-request.ts';
import type { LicenseExchange } from './license-exchange.ts';
import type { CommencedSecurity } from './security-exchange.ts';
import type { ConnectionResult, JoinedChannel, Share } from './types.ts';

/** Where the sequence stands; named after [MS-RDPBCGR] 1.3.1.1's phases. Each waits for the peer's next message. */
export type State =
  | { readonly name: 'start' }
  /** Sent: Connection Request. */
  | { readonly name: 'connection-initiation' }
  /** The driver does the TLS handshake. */
  | { readonly name: 'security-upgrade'; readonly protocol: number }
  | { readonly name: 'credssp'; readonly protocol: number; readonly credssp: CredSspClient }
  /** RDSTLS: waits for the server's capabilities, then, having sent the request, for its response. */
  | { readonly name: 'rdstls-capabilities' }
  | { readonly name: 'rdstls-response' }
  /** HYBRID_EX: waits for the Early User Authorization Result. */
  | { readonly name: 'early-user-authorization'; readonly protocol: number }
  /** Sent: Connect Initial. */
  | { readonly name: 'basic-settings-exchange'; readonly protocol: number }
  /** Sent: Erect Domain and Attach User. */
  | { readonly name: 'attach-user'; readonly protocol: number; readonly serverData: ServerData }
  /** Sent: Channel Join Requests; `awaited` are those not yet confirmed. */
  | { readonly name: 'channel-join'; readonly joined: Joined; readonly awaited: ReadonlySet<number> }
  /** Sent: Client Info. */
  | { readonly name: 'licensing'; readonly joined: Joined; readonly exchange: LicenseExchange }
  | { readonly name: 'capabilities-exchange'; readonly joined: Joined }
  /** Sent: Confirm Active, Synchronize, Control (cooperate, request), Font List. */
  | { readonly name: 'connection-finalization'; readonly joined: Joined; readonly share: Share }
  | {
      readonly name: 'connected';
      readonly result: Omit<ConnectionResult, 'pending' | 'security'>;
      readonly security: SecuredFrames | undefined;
    }
  | { readonly name: 'failed' };

/** What Basic Settings Exchange and Channel Connection settled. */
export interface Joined {
  readonly protocol: number;
  readonly serverData: ServerData;
  readonly userId: number;
  readonly ioChannelId: number;
  readonly messageChannelId: number | undefined;
  readonly channels: readonly JoinedChannel[];
  /** Standard RDP security with encryption: from the Client Info PDU on. */
  readonly security?: CommencedSecurity;
}

export type StateOf<N extends State['name']> = Extract<State, { readonly name: N }>;
export type ShareState = StateOf<'licensing' | 'capabilities-exchange' | 'connection-finalization'>;

/** How the bytes that come in a state are cut into messages. */
export const FIND_SIZE: Readonly<Record<State['name'], FindSize>> = {
  start: takeNothing,
  'connection-initiation': findTpktSize,
  'security-upgrade': takeNothing,
  credssp: findTsRequestSize,
  'rdstls-capabilities': () => RDSTLS_CAPABILITIES_SIZE,
  'rdstls-response': () => RDSTLS_RESPONSE_SIZE,
  'early-user-authorization': () => EARLY_RESULT_SIZE,
  'basic-settings-exchange': findTpktSize,
  'attach-user': findTpktSize,
  'channel-join': findTpktSize,
  licensing: findTpktSize,
  'capabilities-exchange': findFrameSize,
  'connection-finalization': findFrameSize,
  connected: takeNothing,
  failed: takeNothing,
};

export function joinedOf(state: State): Joined {
  if ('joined' in state) return state.joined;
  throw new UsageError(`no channels are joined in ${state.name}`);
}

/** [MS-RDPBCGR] 2.2.10.2 Early User Authorization Result PDU: one u32. */
const EARLY_RESULT_SIZE = 4;

function takeNothing(): undefined {
  return undefined;
}
