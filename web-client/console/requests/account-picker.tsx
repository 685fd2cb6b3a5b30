import { useState } from 'preact/hooks';
import type { Grant } from '../api/requests.ts';
import { matches } from '../format.ts';
import { Field, SearchField, SelectField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { type FormErrors, grantOf, MAX_ITEMS, type PickedItem, type RequestForm } from './new-request-form.ts';
import { demandsOf, formatMinutes } from './words.ts';

/** So many are shown at once; a search finds the others. */
const SHOWN = 30;

interface AccountPickerProps {
  readonly grants: readonly Grant[];
  readonly items: readonly PickedItem[];
  /** No more can be picked. */
  readonly full: boolean;
  readonly error: string | undefined;
  change(items: readonly PickedItem[]): void;
}

/** Every account that one may ask for, to be searched and ticked. */
export function AccountPicker({ grants, items, full, error, change }: AccountPickerProps) {
  const [search, setSearch] = useState('');
  const accounts = [...Map.groupBy(grants, ({ account }) => account.id).values()].flatMap(([first]) => first ?? []);
  const found = accounts.filter((grant) =>
    matches(search, grant.account.username, grant.account.domain, grant.target.name, grant.policy.name),
  );
  const picked = new Set(items.map(({ accountId }) => accountId));
  return (
    <fieldset class="picker" aria-describedby={error === undefined ? undefined : 'picker-error'}>
      <legend class="hidden-text">Accounts to ask for</legend>
      {accounts.length > 5 && <SearchField label="Search accounts and targets" value={search} change={setSearch} />}
      {error !== undefined && (
        <p id="picker-error" class="field-error" role="alert" data-testid="field-error">
          {error}
        </p>
      )}
      <ul class="picker-list" data-testid="picker">
        {found.slice(0, SHOWN).map((grant) => {
          const { id } = grant.account;
          const held = grants.filter(({ account }) => account.id === id);
          const least = grantOf({ accountId: id, minutes: '', entitlementId: '' }, held, false) ?? grant;
          return (
            <li key={id}>
              <label class="check picker-line">
                <input
                  type="checkbox"
                  name="account"
                  value={id}
                  checked={picked.has(id)}
                  disabled={full && !picked.has(id)}
                  aria-invalid={error !== undefined}
                  onChange={(event) =>
                    change(
                      event.currentTarget.checked
                        ? [...items, { accountId: id, minutes: '', entitlementId: '' }]
                        : items.filter(({ accountId }) => accountId !== id),
                    )
                  }
                />
                <span class="stacked">
                  <span>
                    <span class="strong">{nameOf(grant)}</span> on {grant.target.name}
                  </span>
                  <span class="quiet small">{demandsOf(least.rules, least.approvalsNeeded)}</span>
                </span>
              </label>
            </li>
          );
        })}
      </ul>
      {found.length === 0 && <p class="quiet">Nothing matches “{search}”.</p>}
      {found.length > SHOWN && <p class="quiet small">{found.length - SHOWN} more: search for a name to find them.</p>}
      <p class="quiet small" role="status">
        {items.length} of {MAX_ITEMS} picked{full && ': no more can be picked'}
      </p>
    </fieldset>
  );
}

interface PickedAccountsProps {
  readonly grants: readonly Grant[];
  readonly form: RequestForm;
  readonly errors: FormErrors;
  change(items: readonly PickedItem[]): void;
}

/** What was picked, each with its own duration, and with its policy where there are several. */
export function PickedAccounts({ grants, form, errors, change }: PickedAccountsProps) {
  if (form.items.length === 0) return null;
  const set = (accountId: string, fields: Partial<PickedItem>): void =>
    change(form.items.map((item) => (item.accountId === accountId ? { ...item, ...fields } : item)));
  return (
    <ul class="picked" aria-label="Picked accounts" data-testid="picked">
      {form.items.map((item) => {
        const grant = grantOf(item, grants, form.emergency);
        if (grant === undefined) return null;
        const held = grants.filter(({ account }) => account.id === item.accountId);
        const { rules } = grant;
        const name = `${nameOf(grant)} on ${grant.target.name}`;
        return (
          <li key={item.accountId} data-testid="picked-item">
            <fieldset class="picked-item">
              <legend class="hidden-text">{name}</legend>
              <p class="strong picked-name" aria-hidden="true">
                {name}
              </p>
              <div class="picked-fields">
                {held.length > 1 && (
                  <SelectField
                    label="Policy"
                    name={`policy ${item.accountId}`}
                    value={item.entitlementId}
                    change={(entitlementId) => set(item.accountId, { entitlementId, minutes: '' })}
                    options={[
                      ['', 'The one that asks least'],
                      ...held.map((one) => [one.entitlementId, one.policy.name] as const),
                    ]}
                  />
                )}
                {rules.minutesChangeable || item.minutes !== '' ? (
                  <Field
                    label="Minutes"
                    name={`minutes ${item.accountId}`}
                    type="number"
                    min="1"
                    max={String(rules.maxMinutes)}
                    value={item.minutes}
                    placeholder={String(rules.defaultMinutes)}
                    change={(minutes) => set(item.accountId, { minutes })}
                    error={errors[`minutes ${item.accountId}`]}
                    help={`${rules.defaultMinutes} if empty, at most ${formatMinutes(rules.maxMinutes)}`}
                  />
                ) : (
                  <p class="quiet">For {formatMinutes(rules.defaultMinutes)}</p>
                )}
              </div>
              <button
                type="button"
                class="icon-button"
                aria-label={`Do not ask for ${name}`}
                onClick={() => change(form.items.filter(({ accountId }) => accountId !== item.accountId))}
              >
                <Icon name="close" />
              </button>
            </fieldset>
          </li>
        );
      })}
    </ul>
  );
}

function nameOf({ account }: Grant): string {
  return account.domain === '' ? account.username : `${account.domain}\\${account.username}`;
}
