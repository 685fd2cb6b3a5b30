import type { AlertRule, AlertRuleFields } from '../../alerts/alert-rules.ts';
import type { AuditAction } from '../../audit/audit.ts';
import { alertRuleFields } from '../alert-schemas.ts';
import { type Call, type Route, route } from '../route.ts';
import { array, object, ref } from '../schemas.ts';
import type { Services } from '../services.ts';

type NewRule = Pick<AlertRuleFields, 'name' | 'condition'> & Partial<AlertRuleFields>;

/** The rules of the alerts. A change holds for live sessions at once. */
export function alertRoutes({ alertRules, alerts, audit }: Services): Route[] {
  const changed = async (action: AuditAction, rule: AlertRule, { actor, address }: Pick<Call, 'actor' | 'address'>) => {
    await alerts.reload();
    const { condition, action: does, enabled } = rule;
    const details = { ruleId: rule.id, kind: condition.kind, action: does, enabled };
    await audit.record({ action, actor, address, subject: rule.name, details });
  };
  const common = { tag: 'sessions', access: 'alert.manage' } as const;
  return [
    route({
      ...common,
      method: 'get',
      path: '/api/alert-rules',
      id: 'listAlertRules',
      summary: 'What about a session raises an alert, and what is done then',
      status: 200,
      response: array(ref('AlertRule')),
      errors: [],
      handle: () => alertRules.list(),
    }),
    route({
      ...common,
      method: 'get',
      path: '/api/alert-rules/:id',
      id: 'getAlertRule',
      summary: 'One rule',
      status: 200,
      response: ref('AlertRule'),
      errors: [],
      handle: ({ parameter }) => alertRules.get(parameter('id')),
    }),
    route<NewRule>({
      ...common,
      method: 'post',
      path: '/api/alert-rules',
      id: 'createAlertRule',
      summary: 'Add a rule; without an action it alerts, and the owner is told nothing',
      body: object(alertRuleFields, ['action', 'enabled', 'tellUser']),
      status: 201,
      response: ref('AlertRule'),
      errors: [],
      async handle({ body, actor, address }) {
        const rule = await alertRules.create({ action: 'alert', enabled: true, tellUser: false, ...body });
        await changed('alert_rule.created', rule, { actor, address });
        return rule;
      },
    }),
    route<Partial<AlertRuleFields>>({
      ...common,
      method: 'patch',
      path: '/api/alert-rules/:id',
      id: 'changeAlertRule',
      summary: 'Change a rule',
      body: object(alertRuleFields, Object.keys(alertRuleFields)),
      status: 200,
      response: ref('AlertRule'),
      errors: [],
      async handle({ parameter, body, actor, address }) {
        const rule = await alertRules.change(parameter('id'), body);
        await changed('alert_rule.changed', rule, { actor, address });
        return rule;
      },
    }),
    route({
      ...common,
      method: 'delete',
      path: '/api/alert-rules/:id',
      id: 'deleteAlertRule',
      summary: 'Remove a rule; what it froze stays frozen',
      status: 204,
      errors: [],
      async handle({ parameter, actor, address }) {
        const rule = await alertRules.remove(parameter('id'));
        await changed('alert_rule.deleted', rule, { actor, address });
      },
    }),
  ];
}
