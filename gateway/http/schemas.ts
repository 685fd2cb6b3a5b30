import { roles } from '../access/can.ts';
import { PASSWORD_LENGTH } from '../access/passwords.ts';
import { alertActions } from '../alerts/alert-rules.ts';
import { errors } from '../errors.ts';
import { protocolNames } from '../rdp/security.ts';
import { tlsVersions } from '../rdp/tls-peer.ts';
import { certificateTrusts } from '../rdp/trust.ts';
import { inputLogPolicies } from '../sessions/input-log.ts';
import { accountTypes, credSspVersions, legacySecurityPolicies, nlaPolicies } from '../targets/targets.ts';
import { wants } from '../vault/account-credentials.ts';
import { accessComponents } from './access-schemas.ts';
import { alertComponents } from './alert-schemas.ts';
import type { JsonSchema } from './route.ts';
import { array, count, flag, id, nullable, object, printable, text, time } from './schema-parts.ts';
import { signInComponents } from './sign-in-schemas.ts';

export * from './schema-parts.ts';

/** A host name or address; no scheme, no port, no path. */
export const host: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 253,
  pattern: '^[^\\s/@\\u0000-\\u001f\\u007f]+$',
};
export const port: JsonSchema = { type: 'integer', minimum: 1, maximum: 65535 };
export const nla: JsonSchema = { enum: [...nlaPolicies] };
/** What a connection must be at least; `TargetSecurity`. */
export const security = {
  nla,
  certificateTrust: {
    enum: [...certificateTrusts],
    description: 'the first certificate and no other, the one that was accepted, or what known authorities vouch for',
  },
  minimumTls: { enum: [...tlsVersions] },
  restrictedAdmin: { type: 'boolean', description: 'sign in by proof alone: the server never gets the password' },
  legacySecurity: {
    enum: [...legacySecurityPolicies],
    description: 'whether standard RDP security (weak) will do where the server has nothing better',
  },
  oldestCredSsp: {
    enum: [...credSspVersions],
    description: 'oldest version of CredSSP (NLA) to take; below 5 is open to CVE-2018-0886',
  },
} as const satisfies Record<string, JsonSchema>;
export const accountName: JsonSchema = { ...printable, maxLength: 256 };
export const accountType: JsonSchema = {
  enum: [...accountTypes],
  description:
    'where the password is: kept here, brought by whoever connects, that of her own directory account, at a provider',
};
export const domain: JsonSchema = { type: 'string', maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f]*$' };
/** [MS-RDPBCGR] 2.2.1.11.1.1 TS_INFO_PACKET: cbPassword is at most 512 bytes, 256 UTF-16 units. */
export const accountPassword: JsonSchema = { type: 'string', maxLength: 256, writeOnly: true };
export const username: JsonSchema = { ...printable, maxLength: 64 };
export const newPassword: JsonSchema = {
  type: 'string',
  minLength: PASSWORD_LENGTH.least,
  maxLength: PASSWORD_LENGTH.most,
  writeOnly: true,
};
export const email: JsonSchema = { type: 'string', maxLength: 254, pattern: '^[^\\s@<>",;]+@[^\\s@<>",;]+$' };
export const userRoles: JsonSchema = {
  type: 'array',
  items: { enum: [...roles] },
  uniqueItems: true,
  maxItems: roles.length,
};
export const fingerprint: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'SHA-256, hex' };
export const side: JsonSchema = { type: 'integer', minimum: 200, maximum: 8192 };

export const inputLog: JsonSchema = {
  enum: [...inputLogPolicies],
  description: 'what of keyboard and mouse goes into the event log of a recording: all of it, how much, or nothing',
};
export const verdict: JsonSchema = { enum: ['whole', 'altered', 'cut-short', 'no-evidence'] };

/** Schemas with a name, `#/components/schemas/…` in OpenAPI. */
export const components = {
  ...accessComponents,
  ...alertComponents,
  Error: object({
    error: object({ code: { enum: Object.keys(errors) }, message: text, hint: text, detail: text }, ['hint', 'detail']),
  }),
  ...signInComponents(userRoles),
  Account: object({
    id,
    username: { ...text, description: 'empty: whoever connects says it, or is it' },
    domain: text,
    type: accountType,
    masterPassword: { ...flag, description: 'whether its users give their master password for it' },
  }),
  Target: object({
    id,
    name: text,
    host: text,
    port: count,
    ...security,
    demo: flag,
    inputLog,
    certificate: object({ trusted: nullable(fingerprint), offered: nullable(fingerprint) }),
    createdAt: time,
    accounts: array({ $ref: '#/components/schemas/Account' }),
  }),
  Session: object({
    id,
    state: { enum: ['pending', 'connecting', 'active'] },
    user: object({ id, username: text }),
    target: object({ id, name: text }),
    account: object({ id, username: text }),
    width: count,
    height: count,
    createdAt: time,
    startedAt: nullable(time),
    phase: nullable(text),
    security: nullable(
      object({
        protocol: { enum: [...protocolNames] },
        credSsp: nullable({ enum: [...credSspVersions] }),
        tls: nullable({ enum: [...tlsVersions] }),
        cipher: nullable(text),
        certificate: nullable(fingerprint),
      }),
    ),
    bytesFromServer: count,
    bytesToBrowser: count,
    viewers: array(object({ username: text, since: time })),
    recording: { enum: ['off', 'starting', 'recording', 'failed'] },
    recordingTrouble: nullable({ ...time, description: 'when the recording was last in trouble; it may have passed' }),
    recordingHealth: nullable({
      ...object({
        segments: { ...count, description: 'begun so far' },
        segmentStartedAt: { ...nullable(time), description: 'when the last of them was begun' },
        bytes: { ...count, description: 'of video, written so far' },
        behindMs: { ...count, description: 'how long the oldest change of the picture waits to get into the video' },
        savedAt: { ...nullable(time), description: 'when everything until then was made durable' },
        reportedAt: { ...time, description: 'when the recorder said so; it does every two seconds' },
      }),
      description: 'null: nothing is recorded, or the recorder has not said anything yet',
    }),
    frozen: nullable(object({ by: text, reason: text, since: time })),
    alerts: array(
      object({
        rule: object({ id, name: text }),
        kind: text,
        action: { enum: [...alertActions] },
        detail: text,
        at: time,
      }),
    ),
    requestId: id,
    policy: object({ id, name: text }),
    emergency: flag,
    endsAt: time,
    lastInputAt: nullable(time),
    asks: nullable({
      ...object({
        wants: array({ enum: [...wants] }),
        username: text,
        domain: text,
        again: { enum: ['reconnect', 'master_password_wrong', null] },
      }),
      description: 'what its owner is asked for before it can be connected',
    }),
    typesSecret: { ...flag, description: 'whether its owner may have the password of the account typed' },
  }),
  Recording: object(
    {
      id,
      state: { enum: ['recording', 'finishing', 'ready', 'failed', 'deleted'] },
      user: object({ id, username: text }),
      target: object({ id, name: text }),
      account: object({ id, username: text }),
      startedAt: time,
      endedAt: nullable(time),
      endCode: nullable(text),
      durationMs: nullable(count),
      bytes: nullable(count),
      held: { type: 'boolean', description: 'under legal hold: nothing deletes it' },
      deletedAt: nullable(time),
      deletedBy: { enum: ['age', 'size', null], description: 'the rule that it was deleted by' },
      found: {
        type: 'array',
        items: object({ at: { type: 'integer', description: 'milliseconds of the video' }, text }),
        description: 'with a search: where its words are in the events',
      },
    },
    ['found'],
  ),
  LegalHold: object({ at: time, by: text, reason: text }),
  RetentionRule: object({
    maxAgeDays: nullable({ type: 'integer', minimum: 1, maximum: 36_500 }),
    maxBytes: nullable({ type: 'integer', minimum: 1_000_000, maximum: 1e15 }),
  }),
  Watermarks: object({
    warnFreeBytes: { type: 'integer', minimum: 0, maximum: 1e15, description: 'less than this is low' },
    stopFreeBytes: {
      type: 'integer',
      minimum: 0,
      maximum: 1e15,
      description: 'with less than this, no further session is recorded, and none starts that must be',
    },
  }),
  Storage: object({
    state: { enum: ['ok', 'low', 'full', 'unknown'] },
    freeBytes: nullable(count),
    totalBytes: nullable(count),
    watermarks: { $ref: '#/components/schemas/Watermarks' },
    recordings: count,
    bytes: count,
    held: object({ recordings: count, bytes: count }),
    bytesPerDay: count,
    daysLeft: nullable({ ...count, description: 'until sessions are refused; null: with these rules, never' }),
    lastSweep: nullable(object({ at: time, deleted: count })),
    clockDoubt: nullable({
      ...object({ lastSeen: time, since: time, until: time }),
      description:
        'nothing is deleted for its age before `until`: the gateway ran last at `lastSeen`, and was started at `since`, by a clock that may be wrong',
    }),
    targets: array(
      object({
        target: object({ id, name: text }),
        recordings: count,
        bytes: count,
        minutes: { type: 'number', minimum: 0 },
        kbPerMinute: nullable({ type: 'number', minimum: 0, description: '1 KB is 1000 bytes' }),
        bytesPerDay: count,
        rule: { $ref: '#/components/schemas/RetentionRule' },
        ownRule: flag,
        bytesInTheEnd: nullable({ ...count, description: 'at this rate and rule; null: more every day' }),
      }),
    ),
  }),
  RecordingEvent: {
    type: 'object',
    description: 'a line of the event log; further fields by type',
    properties: {
      n: count,
      at: { type: 'integer', description: 'milliseconds since the epoch' },
      t: nullable({ type: 'integer', description: 'milliseconds of the video' }),
      type: text,
      prev: { ...fingerprint, description: 'SHA-256 of the line before' },
    },
    required: ['n', 'at', 't', 'type', 'prev'],
    additionalProperties: true,
  },
  Verification: object({
    at: time,
    by: text,
    verdict,
    text: { type: 'string', description: 'the report in words' },
    report: { type: 'object', description: 'docs/recording.md', additionalProperties: true },
  }),
  AuditEntry: object({
    id: count,
    at: time,
    actorId: nullable(id),
    actor: text,
    address: text,
    action: text,
    outcome: { enum: ['done', 'refused'] },
    subject: text,
    sessionId: nullable(id),
    hash: { ...fingerprint, description: 'SHA-256 of this row with the one before it' },
    details: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } },
  }),
  Settings: object({ announceShadow: { type: 'boolean', description: 'whether the owner is told of a live view' } }),
} as const satisfies Record<string, JsonSchema>;

export function ref(component: keyof typeof components): JsonSchema {
  return { $ref: `#/components/schemas/${component}` };
}
