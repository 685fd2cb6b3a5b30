/** The phases of the server's connection sequence, and what each carries. The transitions are in server-acceptor.ts. */
import type { ClientInfo } from '../pdu/client-info.ts';
import type { FindSize } from '../pdu/frame-buffer.ts';
import type { ClientData } from '../pdu/gcc-client-data.ts';
import { findRdstlsRequestSize } from '../pdu/rdstls.ts';
import { findFrameSize, findTpktSize } from '../pdu/tpkt.ts';
import type { CredSspServer } from '../security/credssp-server.ts';
import type { NtlmIdentity } from '../security/ntlm-server.ts';
import type { SecuredFrames } from '../security/secured-frames.ts';
import { findTsRequestSize } from '../security/ts-request.ts';
import type { ServerCommencement } from './security-exchange.ts';
import type { agreeShare } from './server-capabilities.ts';
import type { AcceptedConnection } from './server-types.ts';
import type { ColorDepth, JoinedChannel } from './types.ts';

export type State =
  /** Waits for the Connection Request. */
  | { readonly name: 'connection-initiation' }
  | { readonly name: 'security-upgrade'; readonly protocol: number; readonly requested: number }
  | { readonly name: 'credssp'; readonly protocol: number; readonly requested: number; readonly credssp: CredSspServer }
  /** Sent: RDSTLS capabilities. Waits for the request. */
  | { readonly name: 'rdstls'; readonly requested: number }
  /** Waits for Connect Initial. */
  | { readonly name: 'basic-settings-exchange'; readonly secured: Secured }
  /** Waits for Erect Domain, Attach User, Channel Joins, and Client Info, which ends it. */
  | {
      readonly name: 'channel-connection';
      readonly settled: Settled;
      readonly attached: boolean;
      /** Ids of channels. */
      readonly joined: readonly number[];
    }
  /** Sent: network detection requests. Waits for the last answer, or until it has waited for long enough. */
  | {
      readonly name: 'connect-time-auto-detection';
      readonly settled: Settled & { readonly messageChannel: MessageChannelEnd };
      readonly clientInfo: Joined['clientInfo'];
    }
  /** Sent: Valid Client and Demand Active. Waits for Confirm Active. */
  | { readonly name: 'capabilities-exchange'; readonly joined: Joined }
  /** Waits for Synchronize, Control, Font List. */
  | { readonly name: 'connection-finalization'; readonly joined: Joined; readonly agreed: Agreed }
  | { readonly name: 'connected'; readonly joined: Joined; readonly agreed: Agreed }
  | { readonly name: 'over' };

export interface Secured {
  readonly protocol: number;
  readonly requested: number;
  readonly identity: NtlmIdentity | undefined;
}

export interface Settled {
  readonly secured: Secured;
  readonly clientData: ClientData;
  readonly userId: number;
  readonly channels: readonly JoinedChannel[];
  readonly messageChannel?: MessageChannelEnd;
  /** Standard RDP security with encryption: what was offered, until the client's Security Exchange makes frames of it. */
  readonly commencement?: ServerCommencement;
  readonly frames?: SecuredFrames;
}

export type MessageChannelEnd = NonNullable<AcceptedConnection['messageChannel']>;

export interface Joined {
  readonly settled: Settled;
  readonly clientInfo: Omit<ClientInfo, 'password'>;
  readonly demanded: Demanded;
}

export interface Demanded {
  readonly width: number;
  readonly height: number;
  readonly colorDepth: ColorDepth;
}

export type Agreed = ReturnType<typeof agreeShare>;

export type StateOf<N extends State['name']> = Extract<State, { readonly name: N }>;

/** How the bytes that come in a state are cut into messages. */
export const FIND_SIZE: Readonly<Record<State['name'], FindSize>> = {
  'connection-initiation': findTpktSize,
  'security-upgrade': takeNothing,
  credssp: findTsRequestSize,
  rdstls: findRdstlsRequestSize,
  'basic-settings-exchange': findTpktSize,
  'channel-connection': findTpktSize,
  'connect-time-auto-detection': findTpktSize,
  'capabilities-exchange': findFrameSize,
  'connection-finalization': findFrameSize,
  connected: takeNothing,
  over: takeNothing,
};

function takeNothing(): undefined {
  return undefined;
}
