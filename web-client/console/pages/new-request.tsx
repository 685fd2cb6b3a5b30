import { useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { hoursOf } from '../access/words.ts';
import { ApiError } from '../api/request.ts';
import { type Favourite, type Grant, requests } from '../api/requests.ts';
import { AccountPicker, PickedAccounts } from '../requests/account-picker.tsx';
import { FavouriteDialog, Favourites } from '../requests/favourites.tsx';
import {
  demandsOfForm,
  emptyRequestForm,
  errorsOf,
  type FormErrors,
  fieldOf,
  formOf,
  MAX_COMMENT,
  MAX_ITEMS,
  MAX_TICKET,
  type RequestForm,
  requestOf,
  textBeside,
} from '../requests/new-request-form.ts';
import { ownTimeZone } from '../requests/words.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field, SelectField, TextField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { countsChanged } from '../ui/use-counts.ts';
import { toApiError, useResource } from '../ui/use-resource.ts';

/** `/requests/new`: asks for access; `?account=ID` (several) picks these, `?favourite=ID` starts from one that was kept. */
export function NewRequestPage() {
  const access = useResource(requests.myAccess);
  const favourites = useResource(requests.favourites);
  const error = access.error ?? favourites.error;
  const retry = (): void => {
    access.reload();
    favourites.reload();
  };
  return (
    <Page title="New request" intro="Ask for access to accounts: now, or at a time that you choose.">
      {error !== undefined && <ErrorNote error={error} retry={retry} />}
      {(access.value === undefined || favourites.value === undefined) && error === undefined && (
        <Loading what="your access" />
      )}
      {access.value?.length === 0 && (
        <EmptyState icon="key" title="There is nothing you can ask for">
          <p>No entitlement names a group of yours. Ask whoever administers policies to add you to one.</p>
          <a class="button" href="/">
            Back to desktops
          </a>
        </EmptyState>
      )}
      {access.value !== undefined && access.value.length > 0 && favourites.value !== undefined && (
        <Form grants={access.value} favourites={favourites.value} reloadFavourites={favourites.reload} />
      )}
    </Page>
  );
}

interface FormProps {
  readonly grants: readonly Grant[];
  readonly favourites: readonly Favourite[];
  reloadFavourites(): void;
}

function Form({ grants, favourites, reloadFavourites }: FormProps) {
  const { route } = useLocation();
  const element = useRef<HTMLFormElement>(null);
  const [begun, setBegun] = useState(() => favouriteOfAddress(favourites));
  const [form, setForm] = useState<RequestForm>(() =>
    begun === undefined ? startingForm(grants) : formOf(begun.request),
  );
  const [errors, setErrors] = useState<FormErrors>({});
  const [failure, setFailure] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [keeping, setKeeping] = useState<{ readonly over?: Favourite }>();
  // As it is called now, and only while there is one.
  const kept = favourites.find(({ id }) => id === begun?.id);
  const demands = demandsOfForm(form, grants);
  const zone = ownTimeZone(form.later && form.start !== '' ? new Date(form.start) : new Date());

  const change = (fields: Partial<RequestForm>): void => {
    setForm({ ...form, ...fields });
    setFailure(undefined);
    // What was wrong with a field is no longer said once the field is something else.
    const touched = Object.keys(fields);
    setErrors(Object.fromEntries(Object.entries(errors).filter(([field]) => !touched.includes(topOf(field)))));
  };
  const show = (found: FormErrors): void => {
    setErrors(found);
    // After the page shows them: to the first of them.
    requestAnimationFrame(() => {
      const first = element.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid="true"]');
      first?.focus();
    });
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setFailure(undefined);
    const found = errorsOf(form, grants, Date.now());
    if (Object.keys(found).length > 0) return show(found);
    setBusy(true);
    try {
      const made = await requests.create(requestOf(form, zone.name));
      countsChanged();
      route(`/requests/${encodeURIComponent(made.id)}`);
    } catch (cause) {
      const error = toApiError(cause);
      const field = cause instanceof ApiError ? fieldOf(error.code, error.detail ?? '') : undefined;
      if (field !== undefined && (field !== 'start' || form.later)) {
        show({ [field]: textBeside(error) });
      } else setFailure(error);
      setBusy(false);
    }
  };
  const hours = [
    ...new Set(
      form.items.flatMap((item) =>
        grants
          .filter(({ account }) => account.id === item.accountId)
          .map(({ rules }) => hoursOf(rules.windows, rules.timeZone)),
      ),
    ),
  ].filter((text) => text !== '');

  return (
    <>
      <Favourites
        favourites={favourites}
        start={(favourite) => {
          setBegun(favourite);
          setForm(formOf(favourite.request));
          setErrors({});
        }}
        changed={reloadFavourites}
      />
      {/* The errors are our own, beside each field; the browser's would come one at a time. */}
      <form class="request-form" ref={element} onSubmit={submit} noValidate data-testid="request-form">
        <section class="request-part">
          <h2>Accounts</h2>
          <AccountPicker
            grants={grants}
            items={form.items}
            full={form.items.length >= MAX_ITEMS}
            error={errors.items}
            change={(items) => change({ items })}
          />
          <PickedAccounts
            grants={grants}
            form={form}
            errors={errors}
            change={(items) => {
              change({ items });
            }}
          />
        </section>
        <section class="request-part">
          <h2>Time and kind</h2>
          <fieldset class="field">
            <legend>When</legend>
            <label class="check">
              <input
                type="radio"
                name="when"
                checked={!form.later}
                onChange={() => change({ later: false, start: '' })}
              />
              <span>Now, or as soon as it is approved</span>
            </label>
            <label class="check">
              <input
                type="radio"
                name="when"
                value="later"
                checked={form.later}
                onChange={() => change({ later: true })}
              />
              <span>At a time that I choose</span>
            </label>
          </fieldset>
          {form.later && (
            <Field
              label="Begin"
              name="start"
              type="datetime-local"
              value={form.start}
              change={(start) => change({ start })}
              error={errors.start}
              help={`In your time zone: ${zone.name} (${zone.offset}).`}
            />
          )}
          {hours.length > 0 && <p class="field-help">Sessions can be opened: {hours.join(' / ')}</p>}
          {(form.emergency || grants.some(({ rules }) => rules.emergency)) && (
            <div class={form.emergency ? 'emergency emergency-on' : 'emergency'}>
              <CheckField name="emergency" checked={form.emergency} change={(emergency) => change({ emergency })}>
                <span class="strong">This is an emergency</span>
              </CheckField>
              <p class="field-help">
                Access without approval, at once. The approvers and reviewers are told immediately, and everything that
                you do is reviewed.
              </p>
              {errors.emergency !== undefined && (
                <p class="field-error" role="alert" data-invalid="true" tabIndex={-1} data-testid="field-error">
                  {errors.emergency}
                </p>
              )}
            </div>
          )}
        </section>
        <section class="request-part">
          <h2>Why</h2>
          {demands.reasonCodes === null || demands.reasonCodes.length === 0 ? (
            <Field
              label={labelOf('Reason', demands.reasonRequired)}
              name="reason"
              maxLength={MAX_COMMENT}
              required={demands.reasonRequired}
              value={form.reason}
              change={(reason) => change({ reason })}
              error={errors.reason}
            />
          ) : (
            <SelectField
              label={labelOf('Reason', demands.reasonRequired)}
              name="reason"
              value={form.reason}
              change={(reason) => change({ reason })}
              error={errors.reason}
              options={[['', 'Choose a reason'], ...demands.reasonCodes.map((code) => [code, code] as const)]}
            />
          )}
          <TextField
            label={labelOf('Comment', demands.commentRequired)}
            name="comment"
            maxLength={MAX_COMMENT}
            value={form.comment}
            change={(comment) => change({ comment })}
            error={errors.comment}
          />
          <Field
            label={labelOf('Ticket number', demands.ticketRequired)}
            name="ticket"
            maxLength={MAX_TICKET}
            autocomplete="off"
            spellcheck={false}
            required={demands.ticketRequired}
            value={form.ticket}
            change={(ticket) => change({ ticket })}
            error={errors.ticket}
            help={
              demands.ticketPatterns.length === 0 ? undefined : `Of the form ${demands.ticketPatterns.join(' and ')}`
            }
          />
        </section>
        {failure !== undefined && <ErrorNote error={failure} />}
        <div class="request-submit">
          <button
            type="submit"
            class={form.emergency ? 'button danger' : 'button primary'}
            disabled={busy}
            data-testid="ask"
          >
            {form.emergency ? 'Take emergency access' : 'Ask for access'}
          </button>
          <button
            type="button"
            class="button"
            disabled={form.items.length === 0}
            onClick={() => setKeeping({})}
            data-testid="keep"
          >
            <Icon name="star" /> Save as favourite
          </button>
          {kept !== undefined && (
            <button
              type="button"
              class="button"
              disabled={form.items.length === 0}
              onClick={() => setKeeping({ over: kept })}
              data-testid="keep-over"
            >
              Save into “{kept.name}”
            </button>
          )}
          <span class="quiet" role="status">
            {form.items.length > 0 && outlook(form, demands.approvals)}
          </span>
        </div>
      </form>
      {keeping !== undefined && (
        <FavouriteDialog
          favourite={keeping.over}
          request={requestOf({ ...form, later: false }, zone.name)}
          saved={(favourite) => {
            setBegun(favourite);
            reloadFavourites();
          }}
          close={() => setKeeping(undefined)}
        />
      )}
    </>
  );
}

/** What comes of it when it is sent. */
function outlook({ later, emergency }: RequestForm, approvals: number): string {
  if (emergency) return 'You get access at once, and it is reviewed.';
  if (approvals > 0) return `Needs ${approvals} approval${approvals === 1 ? '' : 's'} first.`;
  return later ? 'You get access at that time.' : 'You get access at once.';
}

function labelOf(label: string, required: boolean): string {
  return required ? label : `${label} (optional)`;
}

/** The field of the form that an error is about: `minutes ID` is one of the items. */
function topOf(field: string): string {
  return field.startsWith('minutes ') ? 'items' : field;
}

/** `?favourite=ID` */
function favouriteOfAddress(favourites: readonly Favourite[]): Favourite | undefined {
  const wanted = new URLSearchParams(window.location.search).get('favourite');
  return favourites.find(({ id }) => id === wanted);
}

/** `?account=ID`, several. */
function startingForm(grants: readonly Grant[]): RequestForm {
  const wanted = new Set(new URLSearchParams(window.location.search).getAll('account'));
  const known = [...new Set(grants.map(({ account }) => account.id))].filter((id) => wanted.has(id));
  const items = known.slice(0, MAX_ITEMS).map((accountId) => ({ accountId, minutes: '', entitlementId: '' }));
  return { ...emptyRequestForm, items };
}
