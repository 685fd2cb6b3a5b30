import { MAX_MINUTES, recordingModes, transferDirections } from '../access/policy-rules.ts';
import { MAX_PATTERN, MAX_TICKET } from '../access/ticket-pattern.ts';
import { MAX_ITEMS } from '../requests/new-request.ts';
import { requestEvents } from '../requests/request-book.ts';
import { requestStates } from '../requests/request-state.ts';
import { inputLogPolicies } from '../sessions/input-log.ts';
import type { JsonSchema } from './route.ts';
import { array, count, flag, id, name, nullable, object, text, time } from './schema-parts.ts';

/** A comment that somebody writes to a request or a decision. */
export const comment: JsonSchema = { type: 'string', maxLength: 255 };
/** Something by its id, or by its name where only one has it. */
export const reference: JsonSchema = { type: 'string', minLength: 1, maxLength: 256, description: 'an id, or a name' };
/** Larger than this, a list is not sent at once. */
const MAX_LIST = 10_000;

export const minutes: JsonSchema = { type: 'integer', minimum: 1, maximum: MAX_MINUTES };
const limitMinutes: JsonSchema = { type: 'integer', minimum: 0, maximum: MAX_MINUTES, description: '0: no limit' };
export const timeZone: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  description: 'such as Europe/Berlin',
};
const timeOfDay: JsonSchema = { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' };
export const state: JsonSchema = { enum: [...requestStates] };
/** With an offset: without one, nobody knows whose clock it is by. */
export const moment: JsonSchema = {
  type: 'string',
  maxLength: 40,
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d)$',
  format: 'date-time',
};

const named = object({ id, name: text });
const person = object({ id, username: text });

export const timeWindow = object({
  days: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 7 }, minItems: 1, maxItems: 7 },
  from: timeOfDay,
  to: timeOfDay,
});

const needed: JsonSchema = { type: 'integer', minimum: 0, maximum: 20 };

/** The rules of a policy that users are told of, before they ask. */
const askingRules = {
  emergency: { ...flag, description: 'access without approval, with an alert and a review afterwards' },
  reasonRequired: flag,
  reasonCodes: {
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: 64 },
    maxItems: 100,
    uniqueItems: true,
  },
  commentRequired: flag,
  ticketRequired: flag,
  ticketPattern: nullable({ type: 'string', maxLength: MAX_PATTERN, description: 'of the whole number' }),
  defaultMinutes: minutes,
  maxMinutes: minutes,
  minutesChangeable: flag,
  windows: { type: 'array', items: timeWindow, maxItems: 50, description: 'when sessions may be opened; none: always' },
  timeZone,
  recording: nullable({ enum: [...recordingModes], description: 'null: as the gateway is set up' }),
  liveView: flag,
  idleMinutes: limitMinutes,
  sessionMinutes: limitMinutes,
  exclusive: {
    ...flag,
    description: 'from the first session until it is given back, the account is its holder’s alone',
  },
  stepUp: { ...flag, description: 'a second factor at each connect' },
  review: flag,
} as const satisfies Record<string, JsonSchema>;

/** All rules of a policy but its approvals. */
export const ruleFields = {
  ...askingRules,
  ticketWebhook: nullable({ type: 'string', maxLength: 2048 }),
  pendingMinutes: { ...minutes, description: 'how long a request waits to be decided' },
  inputLog: nullable({ enum: [...inputLogPolicies], description: 'null: as the target says' }),
  liveViewAnnounced: nullable({ ...flag, description: 'null: as the settings say' }),
  warnMinutes: {
    type: 'array',
    items: { type: 'integer', minimum: 1, maximum: 1440 },
    maxItems: 10,
    uniqueItems: true,
  },
  clipboard: { enum: [...transferDirections] },
  files: { enum: [...transferDirections] },
  maxSessions: { type: 'integer', minimum: 0, maximum: 1000, description: 'with one account at a time; 0: any number' },
  reviewGroup: nullable(reference),
  reveal: { ...flag, description: 'whether the password of an account may be shown to whoever has access' },
  typeSecret: { ...flag, description: 'whether the gateway types it into a session when its owner says so' },
  secretNotice: { ...flag, description: 'whether vault administrators are told of either' },
  masterPassword: { ...flag, description: "the user's master password at each use of a password that is kept here" },
} as const satisfies Record<string, JsonSchema>;

/** Approvals as they are given: `{needed, group}` for one step, `{steps}` for several, null for none. */
export const approval: JsonSchema = nullable(
  object(
    {
      needed,
      group: nullable(reference),
      steps: { type: 'array', items: object({ needed, group: nullable(reference) }, ['group']), maxItems: 10 },
    },
    ['needed', 'group', 'steps'],
  ),
);

export const members: JsonSchema = { type: 'array', items: reference, maxItems: MAX_LIST };
export const references: JsonSchema = { type: 'array', items: reference, maxItems: MAX_LIST };
export const accounts: JsonSchema = { anyOf: [{ const: 'all' }, references] };

const newItem = object({ accountId: reference, minutes, entitlementId: id }, ['minutes', 'entitlementId']);
/** What a user asks for. */
export const newRequest: JsonSchema = object(
  {
    items: { type: 'array', items: newItem, minItems: 1, maxItems: MAX_ITEMS },
    minutes,
    reason: { type: 'string', maxLength: 255 },
    comment,
    ticket: { type: 'string', maxLength: MAX_TICKET },
    start: { ...moment, description: 'at once, unless given' },
    timeZone,
    emergency: flag,
  },
  ['minutes', 'reason', 'comment', 'ticket', 'start', 'timeZone', 'emergency'],
);
export const color: JsonSchema = { type: 'string', pattern: '^#[0-9a-fA-F]{6}$' };

const item = object({
  account: person,
  target: named,
  policy: named,
  minutes: count,
  endsAt: nullable(time),
  reveal: { ...flag, description: 'whether its password may be shown to the requester now' },
  checkedOutAt: nullable(time),
});

const requestFields = {
  id,
  state,
  user: person,
  createdAt: time,
  wantedAt: { ...nullable(time), description: 'when access was asked for to begin; null: at once' },
  startsAt: nullable(time),
  endsAt: nullable(time),
  waitsUntil: { ...nullable(time), description: 'when a pending request expires' },
  minutes: count,
  reason: text,
  comment: text,
  ticket: text,
  timeZone: text,
  emergency: flag,
  automatic: { ...flag, description: 'made by opening a session that needs no asking' },
  review: { enum: ['none', 'due', 'done'] },
  items: array(item),
} as const satisfies Record<string, JsonSchema>;

/** Schemas with a name, of who may use what and of asking for it. */
export const accessComponents = {
  Group: object({ id, name: text, description: text, builtIn: flag, members: array(person), createdAt: time }),
  Policy: object({
    id,
    name: text,
    builtIn: flag,
    approval: object({
      needed: count,
      group: nullable(id),
      steps: array(object({ needed: count, group: nullable(id) })),
    }),
    ...ruleFields,
    createdAt: time,
  }),
  Entitlement: object({
    id,
    group: named,
    policy: named,
    accounts: { anyOf: [{ const: 'all' }, array(object({ id, username: text, target: named }))] },
    targets: array(named),
    builtIn: flag,
    createdAt: time,
  }),
  Grant: object({
    entitlementId: id,
    account: object({ id, username: text, domain: text }),
    target: named,
    policy: named,
    needsRequest: { ...flag, description: 'whether access has to be asked for, or a session can simply be opened' },
    approvalsNeeded: count,
    rules: object(askingRules),
  }),
  Request: object(requestFields),
  RequestDetails: object({
    ...requestFields,
    steps: array(
      object({ track: count, step: count, policy: text, group: nullable(named), needed: count, given: count }),
    ),
    votes: array(object({ approver: person, decision: { enum: ['approve', 'deny'] }, comment: text, at: time })),
    history: array(
      object({
        at: time,
        event: { enum: [...requestEvents] },
        state,
        actor: nullable(person),
        comment: text,
        sessionId: nullable(id),
      }),
    ),
    sessions: array(
      object({
        id,
        account: person,
        target: named,
        startedAt: nullable(time),
        endedAt: nullable(time),
        endCode: nullable(text),
        recording: text,
      }),
    ),
    reviewGroup: nullable(named),
    may: object({ decide: flag, revoke: flag, checkIn: flag, review: flag, open: flag }),
  }),
  Favourite: object({ id, name: text, color, request: newRequest, createdAt: time }),
  SessionSwitch: object({ stopped: flag, reason: text, by: text, at: nullable(time) }),
} as const satisfies Record<string, JsonSchema>;

export const groupName: JsonSchema = name;
