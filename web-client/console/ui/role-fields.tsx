import type { Role } from '../api/types.ts';
import { CheckField } from './fields.tsx';

export const roleTexts: readonly (readonly [role: Role, text: string])[] = [
  ['user', 'User: asks for access and opens desktops'],
  ['approver', 'Approver: decides on requests of others'],
  ['session-admin', 'Session administrator: watches and ends sessions, takes access back'],
  ['auditor', 'Auditor: plays recordings, reads the audit log, reviews'],
  ['vault-admin', 'Vault administrator: manages targets and accounts'],
  ['policy-admin', 'Policy administrator: says who may use what'],
  ['system-admin', 'System administrator: manages users and settings'],
  ['admin', 'Administrator: all of the above'],
];

interface RoleFieldsProps {
  readonly legend?: string;
  readonly roles: readonly Role[];
  /** Before each field's name, where a page has several of these. */
  readonly prefix?: string;
  change(roles: readonly Role[]): void;
}

export function RoleFields({ legend = 'Roles', prefix = 'role', roles, change }: RoleFieldsProps) {
  return (
    <fieldset class="field">
      <legend>{legend}</legend>
      {roleTexts.map(([role, text]) => (
        <CheckField
          key={role}
          name={`${prefix}-${role}`}
          checked={roles.includes(role)}
          change={(checked) => change(checked ? [...roles, role] : roles.filter((other) => other !== role))}
        >
          {text}
        </CheckField>
      ))}
    </fieldset>
  );
}
