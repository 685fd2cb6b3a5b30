import { flag, id, nullable, object, text, time } from './schema-parts.ts';

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
    SignIn: object({
      id: { type: 'string', pattern: '^[0-9a-f]{16}$' },
      address: text,
      userAgent: text,
      method: { enum: ['password', 'oidc'] },
      createdAt: time,
      lastSeenAt: time,
      expiresAt: time,
      current: { type: 'boolean', description: 'the one that asks' },
    }),
  } as const;
}
