import { signInMethods } from '../access/login-sessions.ts';
import type { JsonSchema } from './route.ts';
import { array, flag, id, name, nullable, object, text, time } from './schema-parts.ts';

/** Six digits, or a recovery code; spaces and dashes as people type them. */
export const code = { type: 'string', minLength: 6, maxLength: 64, writeOnly: true } as const;
export const presentPassword = { type: 'string', maxLength: 1024, writeOnly: true } as const;
export const recoveryCodes = { ...array(text), description: 'not shown again' };

const base64url = { type: 'string', pattern: '^[A-Za-z0-9_-]+$', maxLength: 16_384 };
const state = {
  type: 'string',
  pattern: '^[A-Za-z0-9_.-]+$',
  maxLength: 1024,
  description: 'as it came with the options',
};

/** What a browser is asked ([WebAuthn] 5.1.8 and 5.1.9, the JSON forms). */
export const asked = object({ options: { type: 'object', additionalProperties: true }, state });

/** [WebAuthn] 5.1 AuthenticationResponseJSON, and what was asked. */
export const assertion = object({
  state,
  response: credential({ authenticatorData: base64url, signature: base64url, userHandle: base64url }, ['userHandle']),
});

/** [WebAuthn] 5.1 RegistrationResponseJSON, what was asked, and how it is to be called. */
export const attestation = object({ state, response: credential({ attestationObject: base64url }, []), name });

/** One of them, as a second factor. */
export const factorProof = oneOf({ code, passkey: assertion });
/** One of them, or the password again. */
export const identityProof = oneOf({ code, passkey: assertion, password: presentPassword });

function oneOf(properties: Record<string, JsonSchema>): JsonSchema {
  return { ...object(properties, Object.keys(properties)), minProperties: 1, maxProperties: 1 };
}

/** Browsers add to it; only what is named is read. */
function credential(response: Record<string, JsonSchema>, optional: readonly string[]): JsonSchema {
  const parts = object({ clientDataJSON: base64url, ...response }, optional);
  const whole = object({
    id: base64url,
    rawId: base64url,
    type: { const: 'public-key' },
    response: { ...parts, additionalProperties: true },
  });
  return { ...whole, additionalProperties: true };
}

/** Named schemas of users and their sign-ins. */
export function signInComponents(userRoles: Readonly<Record<string, unknown>>) {
  return {
    User: object({
      id,
      username: text,
      roles: userRoles,
      disabled: flag,
      createdAt: time,
      email: nullable(text),
      hasPassword: { type: 'boolean', description: 'false: signs in through single sign-on only' },
      secondFactor: { type: 'boolean', description: 'two-step sign-in is set up' },
      displayName: nullable(text),
      directoryAccount: nullable(object({ username: text, domain: text })),
    }),
    Passkey: object({
      id,
      name: text,
      createdAt: time,
      lastUsedAt: nullable(time),
      synced: { type: 'boolean', description: 'it may leave the device that it was made on' },
      cloned: { type: 'boolean', description: 'its counter went back, so that it is not taken any more' },
    }),
    SignIn: object({
      id: { type: 'string', pattern: '^[0-9a-f]{16}$' },
      address: text,
      userAgent: text,
      method: { enum: [...signInMethods] },
      createdAt: time,
      lastSeenAt: time,
      expiresAt: time,
      current: { type: 'boolean', description: 'the one that asks' },
    }),
  } as const;
}
