import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { AccessNote } from '../access/access-note.tsx';
import {
  errorsIn,
  fieldsOf,
  formOf,
  type PolicyErrors,
  type PolicyForm,
  stepsOf,
  usualPolicy,
} from '../access/policy-form.ts';
import { ApprovalSteps, type PartProps } from '../access/policy-parts.tsx';
import { TimeWindows } from '../access/time-windows.tsx';
import { approvalWarnings, groupNamer, scopeOf, summaryOf } from '../access/words.ts';
import { access, type Policy, type TransferDirection } from '../api/access.ts';
import type { ApiError } from '../api/request.ts';
import { formatMinutes } from '../requests/words.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field, SelectField, TextField } from '../ui/fields.tsx';
import { Page } from '../ui/page.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { type PolicyAccess, readPolicies } from './policies.tsx';

/** Adds a policy, alone or as a copy of another, or changes one. */
export function PolicyPage() {
  const { params } = useRoute();
  const { query } = useLocation();
  const { value, error, reload } = useResource(readPolicies);
  const isNew = params.id === 'new';
  const policy = value?.policies.find(({ id }) => id === (isNew ? query.copy : params.id));
  const title = isNew ? 'New policy' : (policy?.name ?? 'Policy');
  return (
    <Page title={title} intro={<a href="/admin/policies">All policies</a>}>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value === undefined && error === undefined && <Loading what="the policy" />}
      {value !== undefined && policy === undefined && !isNew && (
        <EmptyState icon="policy" title="There is no such policy">
          <p>It may have been removed.</p>
        </EmptyState>
      )}
      {value !== undefined && (isNew || policy !== undefined) && (
        <Editor key={`${params.id} ${query.copy}`} access={value} source={policy} isNew={isNew} />
      )}
    </Page>
  );
}

interface EditorProps {
  readonly access: PolicyAccess;
  /** What the form begins with. */
  readonly source: Policy | undefined;
  readonly isNew: boolean;
}

function Editor({ access: all, source, isNew }: EditorProps) {
  const { route } = useLocation();
  const element = useRef<HTMLFormElement>(null);
  const [form, setForm] = useState<PolicyForm>(() => {
    if (source === undefined) return usualPolicy;
    return isNew ? { ...formOf(source), name: `${source.name} (copy)` } : formOf(source);
  });
  const [tried, setTried] = useState(0);
  const [failure, setFailure] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const errors: PolicyErrors = errorsIn(form);
  const shown = tried > 0 ? errors : {};
  const set = (change: Partial<PolicyForm>): void => setForm((before) => ({ ...before, ...change }));
  useEffect(() => {
    if (tried > 0) element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [tried]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setFailure(undefined);
    if (Object.keys(errors).length > 0) {
      setTried(tried + 1);
      return;
    }
    setBusy(true);
    try {
      const fields = fieldsOf(form);
      await (isNew || source === undefined ? access.addPolicy(fields) : access.changePolicy(source.id, fields));
      route('/admin/policies');
    } catch (cause) {
      setFailure(toApiError(cause));
      setBusy(false);
    }
  };
  const part: PartProps = { form, errors: shown, groups: all.groups, set };
  const fields = Object.keys(errors).length === 0 ? fieldsOf(form) : undefined;
  const using = isNew ? [] : all.entitlements.filter(({ policy }) => policy.id === source?.id);
  return (
    <form ref={element} class="policy-form" noValidate onSubmit={submit} data-testid="policy-form">
      <Part title="Policy">
        <Field
          label="Name"
          name="name"
          maxLength={128}
          value={form.name}
          change={(name) => set({ name })}
          error={shown.name}
        />
        {fields !== undefined && (
          <p class="quiet" role="status" data-testid="policy-summary">
            {summaryOf(fields, groupNamer(all.groups))}
          </p>
        )}
        {!isNew && (
          <p class="field-help" data-testid="used-by">
            {using.length === 0
              ? 'No entitlement uses it yet.'
              : `Used by ${using.map((one) => `${one.group.name} (${scopeOf(one).slice(0, 3).join(', ')})`).join('; ')}. ` +
                'Access that was asked for before keeps the rules that it was asked for under.'}
          </p>
        )}
      </Part>
      <Part title="Approval">
        <ApprovalSteps {...part} />
        {approvalWarnings(stepsOf(form), all.groups, all.users).map((text) => (
          <AccessNote key={text} text={text} />
        ))}
        <MinutesField {...part} name="pendingMinutes" label="A request waits to be decided for" />
        <CheckField name="emergency" checked={form.emergency} change={(emergency) => set({ emergency })}>
          Emergency access: without approval and at any hour, with an alert and a review afterwards
        </CheckField>
      </Part>
      <Asking {...part} />
      <Time {...part} />
      <Watching {...part} />
      <Limits {...part} />
      <Passwords {...part} />
      <Proof {...part} />
      {failure !== undefined && <ErrorNote error={failure} />}
      {Object.keys(shown).length > 0 && (
        <p class="field-error" role="alert">
          Something above is not right yet.
        </p>
      )}
      <div class="button-row">
        <button type="submit" class="button primary" disabled={busy} data-testid="save-policy">
          {isNew ? 'Add policy' : 'Save'}
        </button>
        <a class="button" href="/admin/policies">
          Cancel
        </a>
      </div>
    </form>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="policy-part" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Asking({ form, errors, set }: PartProps) {
  return (
    <Part title="Reason and ticket">
      <CheckField name="reasonRequired" checked={form.reasonRequired} change={(on) => set({ reasonRequired: on })}>
        A reason is needed
      </CheckField>
      <TextField
        label="Reason codes"
        name="reasonCodes"
        maxLength={6500}
        value={form.reasonCodes}
        change={(reasonCodes) => set({ reasonCodes })}
        error={errors.reasonCodes}
        help="One a line; the reason is one of them. Empty: any words."
      />
      <CheckField name="commentRequired" checked={form.commentRequired} change={(on) => set({ commentRequired: on })}>
        A comment is needed, of at most 255 characters
      </CheckField>
      <CheckField name="ticketRequired" checked={form.ticketRequired} change={(on) => set({ ticketRequired: on })}>
        A ticket number is needed
      </CheckField>
      <div class="policy-pair">
        <Field
          label="Ticket pattern"
          name="ticketPattern"
          spellcheck={false}
          autocomplete="off"
          value={form.ticketPattern}
          change={(ticketPattern) =>
            set({ ticketPattern, ...(form.ticketPattern === '' ? { ticketRequired: true } : {}) })
          }
          error={errors.ticketPattern}
          help="A regular expression for the whole number, such as CHG\d{6}. Empty: any number."
        />
        <Field
          label="Ticket webhook"
          name="ticketWebhook"
          spellcheck={false}
          autocomplete="off"
          maxLength={2048}
          value={form.ticketWebhook}
          change={(ticketWebhook) => set({ ticketWebhook })}
          error={errors.ticketWebhook}
          help="An address that is asked whether the number is good. Empty: nobody is asked."
        />
      </div>
    </Part>
  );
}

function Time(part: PartProps) {
  const { form, set } = part;
  return (
    <Part title="Time">
      <div class="policy-pair">
        <MinutesField {...part} name="defaultMinutes" label="Access lasts" />
        <MinutesField {...part} name="maxMinutes" label="And at most" />
      </div>
      <CheckField
        name="minutesChangeable"
        checked={form.minutesChangeable}
        change={(minutesChangeable) => set({ minutesChangeable })}
      >
        Whoever asks may choose the duration
      </CheckField>
      <TimeWindows
        windows={part.form.windows}
        timeZone={part.form.timeZone}
        none="Sessions may be opened at any time (default)."
        errors={part.errors}
        change={part.set}
      />
    </Part>
  );
}

function Watching({ form, set }: PartProps) {
  return (
    <Part title="Watching and recording">
      <div class="policy-pair">
        <SelectField
          label="Recording"
          name="recording"
          value={form.recording}
          change={(recording) => set({ recording: recording as PolicyForm['recording'] })}
          options={[
            ['', 'As the gateway is set up (default)'],
            ['required', 'Required: no recording, no session'],
            ['on', 'On: the session goes on if it fails'],
            ['off', 'Off'],
          ]}
        />
        <SelectField
          label="Keyboard and mouse in the event log"
          name="inputLog"
          value={form.inputLog}
          change={(inputLog) => set({ inputLog: inputLog as PolicyForm['inputLog'] })}
          options={[
            ['', 'As the target says (default)'],
            ['counts', 'Counted: how much was typed and clicked'],
            ['full', 'Full: every key and click, passwords too'],
            ['off', 'Off: nothing is written down'],
          ]}
        />
      </div>
      <CheckField name="liveView" checked={form.liveView} change={(liveView) => set({ liveView })}>
        Sessions may be watched live
      </CheckField>
      {form.liveView && (
        <SelectField
          label="Is the user told of being watched?"
          name="liveViewAnnounced"
          value={form.liveViewAnnounced}
          change={(value) => set({ liveViewAnnounced: value as PolicyForm['liveViewAnnounced'] })}
          options={[
            ['', 'As the settings say (default)'],
            ['yes', 'Yes'],
            ['no', 'No'],
          ]}
        />
      )}
    </Part>
  );
}

function Limits(part: PartProps) {
  const { form, errors, set } = part;
  return (
    <Part title="Session limits">
      <div class="policy-pair">
        <MinutesField {...part} name="idleMinutes" label="Ends when idle for" none="never" />
        <MinutesField {...part} name="sessionMinutes" label="One session lasts at most" none="as long as access does" />
        <Field
          label="Warnings before the end, in minutes"
          name="warnMinutes"
          value={form.warnMinutes}
          change={(warnMinutes) => set({ warnMinutes })}
          error={errors.warnMinutes}
          help={`With commas between. Default: ${usualPolicy.warnMinutes}.`}
        />
        <Field
          label="Sessions with one account at a time"
          name="maxSessions"
          type="number"
          min="0"
          max="1000"
          value={form.maxSessions}
          change={(maxSessions) => set({ maxSessions })}
          error={errors.maxSessions}
          help="0 is any number, and the default."
        />
        <TransferField
          label="Clipboard"
          name="clipboard"
          value={form.clipboard}
          change={(clipboard) => set({ clipboard })}
        />
        <TransferField label="Files" name="files" value={form.files} change={(files) => set({ files })} />
      </div>
      <CheckField name="exclusive" checked={form.exclusive} change={(exclusive) => set({ exclusive })}>
        Exclusive: from the first session until it is given back, the account is its holder’s alone
      </CheckField>
    </Part>
  );
}

function Proof({ form, groups, set }: PartProps) {
  return (
    <Part title="Second factor and review">
      <CheckField name="stepUp" checked={form.stepUp} change={(stepUp) => set({ stepUp })}>
        A second factor is asked for at each connect
      </CheckField>
      <CheckField name="review" checked={form.review} change={(review) => set({ review })}>
        Somebody has to look at it afterwards
      </CheckField>
      {(form.review || form.emergency) && (
        <SelectField
          label="Who may review"
          name="reviewGroup"
          value={form.reviewGroup}
          change={(reviewGroup) => set({ reviewGroup })}
          options={[['', 'Every auditor (default)'], ...groups.map(({ id, name }) => [id, name] as const)]}
          help="Auditors of the group; nobody reviews access of their own."
        />
      )}
    </Part>
  );
}

function Passwords({ form, set }: PartProps) {
  return (
    <Part title="Passwords">
      <CheckField name="reveal" checked={form.reveal} change={(reveal) => set({ reveal })}>
        The password may be shown to whoever has access
      </CheckField>
      <CheckField name="typeSecret" checked={form.typeSecret} change={(typeSecret) => set({ typeSecret })}>
        It may be typed into a session, for logon screens that always ask
      </CheckField>
      {(form.reveal || form.typeSecret) && (
        <CheckField name="secretNotice" checked={form.secretNotice} change={(secretNotice) => set({ secretNotice })}>
          Vault administrators are told of either (default)
        </CheckField>
      )}
      <CheckField
        name="masterPassword"
        checked={form.masterPassword}
        change={(masterPassword) => set({ masterPassword })}
      >
        Users give their master password at each use
      </CheckField>
    </Part>
  );
}

interface MinutesFieldProps extends PartProps {
  readonly name: 'pendingMinutes' | 'defaultMinutes' | 'maxMinutes' | 'idleMinutes' | 'sessionMinutes';
  readonly label: string;
  /** What 0 means, where it means something. */
  readonly none?: string;
}

function MinutesField({ form, errors, set, name, label, none }: MinutesFieldProps) {
  const says = (minutes: string): string => (minutes === '0' ? (none ?? '0 minutes') : formatMinutes(Number(minutes)));
  const now = /^\d{1,6}$/.test(form[name]) && form[name] !== usualPolicy[name] ? `That is ${says(form[name])}. ` : '';
  const zero = none === undefined || usualPolicy[name] === '0' ? '' : ` 0 is ${none}.`;
  const usual =
    Number(usualPolicy[name]) % 60 > 0 ? says(usualPolicy[name]) : `${usualPolicy[name]}, ${says(usualPolicy[name])}`;
  return (
    <Field
      label={`${label} (minutes)`}
      name={name}
      type="number"
      min={none === undefined ? '1' : '0'}
      value={form[name]}
      change={(value) => set({ [name]: value })}
      error={errors[name]}
      help={`${now}Default: ${usual}.${zero}`}
    />
  );
}

interface TransferFieldProps {
  readonly label: string;
  readonly name: string;
  readonly value: TransferDirection;
  change(value: TransferDirection): void;
}

function TransferField({ label, name, value, change }: TransferFieldProps) {
  return (
    <SelectField
      label={label}
      name={name}
      value={value}
      change={(chosen) => change(chosen as TransferDirection)}
      options={[
        ['both', 'Both ways (default)'],
        ['to-remote', 'Only to the remote desktop'],
        ['from-remote', 'Only from the remote desktop'],
        ['none', 'Not at all'],
      ]}
    />
  );
}
