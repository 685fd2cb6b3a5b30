import { roles } from '../../access/can.ts';
import { factorKinds, type SignInPolicy } from '../../access/sign-in-policy.ts';
import { type Route, route } from '../route.ts';
import { flag, nullable, object, text, userRoles } from '../schemas.ts';
import type { Services } from '../services.ts';

const kinds = { type: 'array', items: { enum: [...factorKinds] }, uniqueItems: true, minItems: 1 };
const fields = {
  secondFactorRoles: { ...userRoles, description: 'whoever has one of these must have a second factor' },
  allowedFactors: {
    ...object(Object.fromEntries(roles.map((role) => [role, kinds])), roles),
    description: 'which second factors count for a role; either, where it is not named',
  },
  passwordless: { type: 'boolean', description: 'whether a passkey signs in by itself' },
} as const;

/** What signing in asks for. */
export function signInPolicyRoutes({ signInPolicy, passkeys, audit }: Services): Route[] {
  const view = object({
    ...fields,
    passkeys: object({ host: nullable(text), origin: nullable(text), problem: nullable(text) }),
  });
  const shown = (policy: SignInPolicy) => ({ ...policy, passkeys: passkeys.facts() });
  return [
    route({
      method: 'get',
      path: '/api/settings/sign-in',
      id: 'getSignInPolicy',
      tag: 'settings',
      summary: 'Who needs a second factor, which count, and where passkeys work',
      access: 'setting.manage',
      status: 200,
      response: view,
      errors: [],
      handle: async () => shown(await signInPolicy.read()),
    }),
    route<Partial<SignInPolicy>>({
      method: 'patch',
      path: '/api/settings/sign-in',
      id: 'changeSignInPolicy',
      tag: 'settings',
      summary: 'Change what signing in asks for; from the next sign-in on',
      access: 'setting.manage',
      body: object({ ...fields, passwordless: flag }, Object.keys(fields)),
      status: 200,
      response: view,
      errors: [],
      async handle({ body, actor, address }) {
        const before = await signInPolicy.read();
        const changed = await signInPolicy.change(body);
        const details = {
          secondFactorRoles: changed.secondFactorRoles.join(' '),
          allowedFactors: Object.entries(changed.allowedFactors)
            .map(([role, allowed]) => `${role}: ${allowed.join(' or ')}`)
            .join(', '),
          passwordless: changed.passwordless,
          before: JSON.stringify(before),
        };
        await audit.record({ action: 'setting.changed', actor, address, details });
        return shown(changed);
      },
    }),
  ];
}
