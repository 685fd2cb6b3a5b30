import { useState } from 'preact/hooks';
import { officeHours, TimeWindows } from '../access/time-windows.tsx';
import { hoursOf } from '../access/words.ts';
import type { ApiError } from '../api/request.ts';
import {
  type AlertCondition,
  type AlertRule,
  type AlertRuleFields,
  supervision,
  type UsualHours,
} from '../api/supervision.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field, SelectField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';

/** `/sessions/alerts`: what about a session raises an alert, and what is done then. */
export function AlertRules() {
  const { user } = useIdentity();
  const { value: rules, error, reload } = useResource(supervision.rules);
  const [editing, setEditing] = useState<AlertRule | 'new'>();
  const [removing, setRemoving] = useState<AlertRule>();
  const [failure, setFailure] = useState<ApiError>();
  const turn = async (rule: AlertRule): Promise<void> => {
    setFailure(undefined);
    const change = supervision.changeRule(rule.id, { enabled: !rule.enabled });
    await change.catch((cause: unknown) => setFailure(toApiError(cause)));
    reload();
  };
  const add = (
    <button type="button" class="button primary" onClick={() => setEditing('new')} data-testid="add-rule">
      <Icon name="add" /> Add a rule
    </button>
  );
  return (
    <Page
      title="Alert rules"
      intro="What about a live session raises an alert. Session administrators are told each time; it is on the live page, in the event log and in the audit log."
      actions={
        <>
          {hasRole(user, 'session-admin') && (
            <a class="button" href="/sessions">
              <Icon name="back" /> Live sessions
            </a>
          )}
          {rules !== undefined && rules.length > 0 && add}
        </>
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {failure !== undefined && <ErrorNote error={failure} />}
      {rules === undefined && error === undefined && <Loading what="rules" />}
      {rules?.length === 0 && (
        <EmptyState icon="bell" title="No rules yet">
          <p>
            A rule can alert you, freeze a session or end it: for typed or copied text, at night, when nobody types, and
            more.
          </p>
          {add}
        </EmptyState>
      )}
      {rules !== undefined && rules.length > 0 && (
        <Table columns={['Rule', 'When', 'Then']} actions testId="alert-rules">
          {rules.map((rule) => (
            <tr key={rule.id} data-testid="rule-row">
              <td data-label="Rule" class="strong">
                {rule.name} {!rule.enabled && <span class="tag">Off</span>}
              </td>
              <td data-label="When">{conditionWords(rule.condition)}</td>
              <td data-label="Then">{actionWords[rule.action]}</td>
              <td class="row-actions">
                <span class="session-actions">
                  <button type="button" class="button" onClick={() => setEditing(rule)}>
                    Edit<span class="hidden-text"> {rule.name}</span>
                  </button>
                  <button type="button" class="button" onClick={() => turn(rule)}>
                    {rule.enabled ? 'Turn off' : 'Turn on'}
                    <span class="hidden-text"> {rule.name}</span>
                  </button>
                  <button type="button" class="button danger-text" onClick={() => setRemoving(rule)}>
                    Remove<span class="hidden-text"> {rule.name}</span>
                  </button>
                </span>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {editing !== undefined && (
        <RuleDialog rule={editing === 'new' ? undefined : editing} saved={reload} close={() => setEditing(undefined)} />
      )}
      {removing !== undefined && (
        <Dialog
          title={`Remove ${removing.name}?`}
          action="Remove"
          danger
          perform={async () => {
            await supervision.removeRule(removing.id);
            reload();
          }}
          close={() => setRemoving(undefined)}
        >
          <p>Sessions that it froze stay frozen until somebody releases them.</p>
        </Dialog>
      )}
    </Page>
  );
}

interface RuleDialogProps {
  readonly rule: AlertRule | undefined;
  saved(): void;
  close(): void;
}

function RuleDialog({ rule, saved, close }: RuleDialogProps) {
  const [fields, setFields] = useState<AlertRuleFields>(rule === undefined ? newRule : fieldsOf(rule));
  const set = (change: Partial<AlertRuleFields>): void => setFields((present) => ({ ...present, ...change }));
  return (
    <Dialog
      title={rule === undefined ? 'Add a rule' : `Edit ${rule.name}`}
      action="Save"
      testId="save-rule"
      perform={async () => {
        await (rule === undefined ? supervision.addRule(fields) : supervision.changeRule(rule.id, fields));
        saved();
      }}
      close={close}
    >
      <Field
        label="Name"
        name="rule-name"
        required
        maxLength={128}
        value={fields.name}
        change={(name) => set({ name })}
      />
      <SelectField
        label="When"
        name="kind"
        value={fields.condition.kind}
        options={kinds}
        change={(kind) => set({ condition: emptyConditions[kind as AlertCondition['kind']] })}
      />
      <ConditionFields condition={fields.condition} change={(condition) => set({ condition })} />
      <SelectField
        label="Then"
        name="action"
        value={fields.action}
        options={Object.entries(actionWords)}
        change={(action) => set({ action: action as AlertRuleFields['action'] })}
      />
      <CheckField name="tell-user" checked={fields.tellUser} change={(tellUser) => set({ tellUser })}>
        Tell the user the name of the rule
      </CheckField>
    </Dialog>
  );
}

interface ConditionFieldsProps {
  readonly condition: AlertCondition;
  change(condition: AlertCondition): void;
}

function ConditionFields({ condition, change }: ConditionFieldsProps) {
  switch (condition.kind) {
    case 'too-long':
    case 'idle':
      return (
        <Field
          label="Minutes"
          name="minutes"
          type="number"
          min="1"
          max="10080"
          required
          value={String(condition.minutes)}
          change={(minutes) => change({ ...condition, minutes: Number(minutes) })}
        />
      );
    case 'typed-text':
    case 'clipboard-text':
      return (
        <>
          <Field
            label="Pattern"
            name="pattern"
            required
            maxLength={300}
            spellcheck={false}
            autocomplete="off"
            value={condition.pattern}
            change={(pattern) => change({ ...condition, pattern })}
            help={patternHelp[condition.kind]}
          />
          <CheckField
            name="match-case"
            checked={condition.matchCase}
            change={(matchCase) => change({ ...condition, matchCase })}
          >
            Capitals matter
          </CheckField>
        </>
      );
    case 'too-many':
      return (
        <>
          <Field
            label="More sessions than"
            name="sessions"
            type="number"
            min="1"
            max="1000"
            required
            value={String(condition.sessions)}
            change={(sessions) => change({ ...condition, sessions: Number(sessions) })}
          />
          <SelectField
            label="Of one"
            name="per"
            value={condition.per}
            options={[
              ['user', 'User'],
              ['target', 'Desktop'],
              ['account', 'Account'],
            ]}
            change={(per) => change({ ...condition, per: per as typeof condition.per })}
          />
        </>
      );
    case 'odd-hour':
      return (
        <fieldset class="field">
          <legend>Usual hours</legend>
          <TimeWindows
            windows={condition.windows}
            timeZone={condition.timeZone}
            none="Without usual hours no hour is unusual."
            errors={hoursErrors(condition.windows)}
            change={(fields) => change({ ...condition, ...fields })}
          />
        </fieldset>
      );
  }
}

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const kinds: readonly (readonly [AlertCondition['kind'], string])[] = [
  ['typed-text', 'Text is typed that matches'],
  ['clipboard-text', 'Text is copied or pasted that matches'],
  ['idle', 'Nobody types or clicks'],
  ['too-long', 'The session lasts long'],
  ['odd-hour', 'It is an unusual hour'],
  ['too-many', 'Too many sessions at once'],
];

const patternHelp = {
  'typed-text': 'A regular expression, such as rm\\s+-rf. \\n stands for Enter. What was typed is never shown.',
  'clipboard-text': 'A regular expression, looked for in text that is copied to the desktop or from it.',
} as const;

const emptyConditions: Readonly<Record<AlertCondition['kind'], AlertCondition>> = {
  'typed-text': { kind: 'typed-text', pattern: '', matchCase: false },
  'clipboard-text': { kind: 'clipboard-text', pattern: '', matchCase: false },
  idle: { kind: 'idle', minutes: 5 },
  'too-long': { kind: 'too-long', minutes: 240 },
  'odd-hour': { kind: 'odd-hour', windows: [officeHours], timeZone: ownZone },
  'too-many': { kind: 'too-many', sessions: 2, per: 'user' },
};

const actionWords: Readonly<Record<AlertRuleFields['action'], string>> = {
  alert: 'Alert',
  freeze: 'Alert and freeze',
  end: 'Alert and end',
};

const newRule: AlertRuleFields = {
  name: '',
  condition: emptyConditions['typed-text'],
  action: 'alert',
  enabled: true,
  tellUser: false,
};

function fieldsOf({ name, condition, action, enabled, tellUser }: AlertRule): AlertRuleFields {
  return { name, condition, action, enabled, tellUser };
}

/** A window without a day is none; the gateway would refuse it. */
function hoursErrors(windows: readonly UsualHours[]): Readonly<Record<string, string>> {
  const wrong = windows.flatMap(({ days }, index) => (days.length === 0 ? [`window ${index}`] : []));
  return Object.fromEntries(wrong.map((field) => [field, 'Pick at least one day.']));
}

function conditionWords(condition: AlertCondition): string {
  switch (condition.kind) {
    case 'typed-text':
      return `Typed text matches ${condition.pattern}`;
    case 'clipboard-text':
      return `Copied text matches ${condition.pattern}`;
    case 'idle':
      return `Nothing typed or clicked for ${condition.minutes} min`;
    case 'too-long':
      return `Lasts longer than ${condition.minutes} min`;
    case 'too-many':
      return `More than ${condition.sessions} at once of one ${condition.per === 'target' ? 'desktop' : condition.per}`;
    case 'odd-hour':
      return `Outside ${hoursOf(condition.windows, condition.timeZone)}`;
  }
}
