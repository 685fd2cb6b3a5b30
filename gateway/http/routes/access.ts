import type { Entitlement, NewEntitlement } from '../../access/entitlements.ts';
import type { Group, NewGroup } from '../../access/groups.ts';
import type { NewPolicy, Policy } from '../../access/policies.ts';
import { needsNoRequest } from '../../access/policy-rules.ts';
import type { AuditAction } from '../../audit/audit.ts';
import { accounts, approval, members, reference, references, ruleFields } from '../access-schemas.ts';
import { type Call, type Route, route } from '../route.ts';
import { array, name, object, ref } from '../schemas.ts';
import type { Services } from '../services.ts';

const description = { type: 'string', maxLength: 512 } as const;

/** Who may use what: groups, policies, entitlements, and what of it is the caller's own. */
export function accessRoutes(services: Services): Route[] {
  return [
    ...ownAccessRoutes(services),
    ...groupRoutes(services),
    ...policyRoutes(services),
    ...entitlementRoutes(services),
  ];
}

function ownAccessRoutes({ entitlements }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/my/access',
      id: 'listOwnAccess',
      tag: 'access',
      summary: 'Every account that the caller may use, with what its policy asks; once for each entitlement to it',
      access: 'request.make',
      status: 200,
      response: array(ref('Grant')),
      errors: [],
      handle: async ({ actor }) =>
        (await entitlements.grantsOf(actor.id)).map(({ rules, ...grant }) => ({
          ...grant,
          needsRequest: !needsNoRequest(rules),
          approvalsNeeded: rules.steps.reduce((sum, { needed }) => sum + needed, 0),
          rules: {
            emergency: rules.emergency,
            reasonRequired: rules.reasonRequired,
            reasonCodes: rules.reasonCodes,
            commentRequired: rules.commentRequired,
            ticketRequired: rules.ticketRequired,
            ticketPattern: rules.ticketPattern,
            defaultMinutes: rules.defaultMinutes,
            maxMinutes: rules.maxMinutes,
            minutesChangeable: rules.minutesChangeable,
            windows: rules.windows,
            timeZone: rules.timeZone,
            recording: rules.recording,
            liveView: rules.liveView,
            idleMinutes: rules.idleMinutes,
            sessionMinutes: rules.sessionMinutes,
            exclusive: rules.exclusive,
            stepUp: rules.stepUp,
            review: rules.review,
          },
        })),
    }),
  ];
}

function groupRoutes({ groups, audit, accessGuard }: Services): Route[] {
  const fields = { name, description, members };
  const note = (action: AuditAction, { actor, address }: Call, group: Group) =>
    audit.record({
      action,
      actor,
      address,
      subject: group.name,
      details: { groupId: group.id, members: namesOf(group.members.map(({ username }) => username)) },
    });
  return [
    route({
      method: 'get',
      path: '/api/groups',
      id: 'listGroups',
      tag: 'access',
      summary: 'All groups, each with its members',
      access: 'group.manage',
      status: 200,
      response: array(ref('Group')),
      errors: [],
      handle: () => groups.list(),
    }),
    route<NewGroup>({
      method: 'post',
      path: '/api/groups',
      id: 'createGroup',
      tag: 'access',
      summary: 'Add a group; members by id or by user name',
      access: 'group.manage',
      body: object(fields, ['description', 'members']),
      status: 201,
      response: ref('Group'),
      errors: ['conflict'],
      async handle(call) {
        const group = await groups.create(call.body);
        await note('group.created', call as Call, group);
        return group;
      },
    }),
    route({
      method: 'get',
      path: '/api/groups/:id',
      id: 'getGroup',
      tag: 'access',
      summary: 'One group',
      access: 'group.manage',
      status: 200,
      response: ref('Group'),
      errors: [],
      handle: ({ parameter }) => groups.get(parameter('id')),
    }),
    route<Partial<NewGroup>>({
      method: 'patch',
      path: '/api/groups/:id',
      id: 'changeGroup',
      tag: 'access',
      summary: 'Change a group; whoever is no longer a member loses what was opened through it',
      access: 'group.manage',
      body: object(fields, Object.keys(fields)),
      status: 200,
      response: ref('Group'),
      errors: ['conflict'],
      async handle(call) {
        const group = await groups.change(call.parameter('id'), call.body);
        await note('group.changed', call as Call, group);
        await accessGuard.recheck();
        return group;
      },
    }),
    route({
      method: 'delete',
      path: '/api/groups/:id',
      id: 'deleteGroup',
      tag: 'access',
      summary: 'Remove a group and its entitlements; what was opened through them ends',
      access: 'group.manage',
      status: 204,
      errors: ['conflict'],
      async handle(call) {
        const group = await groups.get(call.parameter('id'));
        await groups.remove(group.id);
        await note('group.deleted', call as Call, group);
        await accessGuard.recheck();
      },
    }),
  ];
}

function policyRoutes({ policies, audit }: Services): Route[] {
  const fields = { name, approval, ...ruleFields };
  const note = (action: AuditAction, { actor, address }: Call, policy: Policy) =>
    audit.record({
      action,
      actor,
      address,
      subject: policy.name,
      details: { policyId: policy.id, rules: JSON.stringify({ ...policy, id: undefined, name: undefined }) },
    });
  return [
    route({
      method: 'get',
      path: '/api/policies',
      id: 'listPolicies',
      tag: 'access',
      summary: 'All policies',
      access: 'policy.manage',
      status: 200,
      response: array(ref('Policy')),
      errors: [],
      handle: () => policies.list(),
    }),
    route<NewPolicy>({
      method: 'post',
      path: '/api/policies',
      id: 'createPolicy',
      tag: 'access',
      summary: 'Add a policy; rules that are not given have their defaults',
      access: 'policy.manage',
      body: object(
        fields,
        Object.keys(fields).filter((field) => field !== 'name'),
      ),
      status: 201,
      response: ref('Policy'),
      errors: ['conflict'],
      async handle(call) {
        const policy = await policies.create(call.body);
        await note('policy.created', call as Call, policy);
        return policy;
      },
    }),
    route({
      method: 'get',
      path: '/api/policies/:id',
      id: 'getPolicy',
      tag: 'access',
      summary: 'One policy',
      access: 'policy.manage',
      status: 200,
      response: ref('Policy'),
      errors: [],
      handle: ({ parameter }) => policies.get(parameter('id')),
    }),
    route<Partial<NewPolicy>>({
      method: 'patch',
      path: '/api/policies/:id',
      id: 'changePolicy',
      tag: 'access',
      summary: 'Change a policy; what was asked for before keeps the rules that it was asked for under',
      access: 'policy.manage',
      body: object(fields, Object.keys(fields)),
      status: 200,
      response: ref('Policy'),
      errors: ['conflict'],
      async handle(call) {
        const policy = await policies.change(call.parameter('id'), call.body);
        await note('policy.changed', call as Call, policy);
        return policy;
      },
    }),
    route({
      method: 'delete',
      path: '/api/policies/:id',
      id: 'deletePolicy',
      tag: 'access',
      summary: 'Remove a policy that no entitlement uses',
      access: 'policy.manage',
      status: 204,
      errors: ['conflict'],
      async handle(call) {
        const policy = await policies.get(call.parameter('id'));
        await policies.remove(policy.id);
        await note('policy.deleted', call as Call, policy);
      },
    }),
  ];
}

function entitlementRoutes({ entitlements, audit, accessGuard }: Services): Route[] {
  const fields = { group: reference, accounts, targets: references, policy: reference };
  const note = (action: AuditAction, { actor, address }: Call, entitlement: Entitlement) =>
    audit.record({
      action,
      actor,
      address,
      subject: `${entitlement.group.name}: ${entitlement.policy.name}`,
      details: {
        entitlementId: entitlement.id,
        groupId: entitlement.group.id,
        policyId: entitlement.policy.id,
        accounts:
          entitlement.accounts === 'all'
            ? 'all'
            : namesOf(entitlement.accounts.map(({ username, target }) => `${username} on ${target.name}`)),
        targets: namesOf(entitlement.targets.map((target) => target.name)),
      },
    });
  return [
    route({
      method: 'get',
      path: '/api/entitlements',
      id: 'listEntitlements',
      tag: 'access',
      summary: 'All entitlements: which group may use which accounts under which policy',
      access: 'entitlement.manage',
      status: 200,
      response: array(ref('Entitlement')),
      errors: [],
      handle: () => entitlements.list(),
    }),
    route<NewEntitlement>({
      method: 'post',
      path: '/api/entitlements',
      id: 'createEntitlement',
      tag: 'access',
      summary: 'Entitle a group to accounts ("all" for every one), or to every account on some targets',
      access: 'entitlement.manage',
      body: object(fields, ['accounts', 'targets']),
      status: 201,
      response: ref('Entitlement'),
      errors: [],
      async handle(call) {
        const entitlement = await entitlements.create(call.body);
        await note('entitlement.created', call as Call, entitlement);
        return entitlement;
      },
    }),
    route({
      method: 'get',
      path: '/api/entitlements/:id',
      id: 'getEntitlement',
      tag: 'access',
      summary: 'One entitlement',
      access: 'entitlement.manage',
      status: 200,
      response: ref('Entitlement'),
      errors: [],
      handle: ({ parameter }) => entitlements.get(parameter('id')),
    }),
    route<Partial<NewEntitlement>>({
      method: 'patch',
      path: '/api/entitlements/:id',
      id: 'changeEntitlement',
      tag: 'access',
      summary: 'Change an entitlement; what was opened through it and no longer may be, ends',
      access: 'entitlement.manage',
      body: object(fields, Object.keys(fields)),
      status: 200,
      response: ref('Entitlement'),
      errors: [],
      async handle(call) {
        const entitlement = await entitlements.change(call.parameter('id'), call.body);
        await note('entitlement.changed', call as Call, entitlement);
        await accessGuard.recheck();
        return entitlement;
      },
    }),
    route({
      method: 'delete',
      path: '/api/entitlements/:id',
      id: 'deleteEntitlement',
      tag: 'access',
      summary: 'Remove an entitlement; what was opened through it ends',
      access: 'entitlement.manage',
      status: 204,
      errors: [],
      async handle(call) {
        const entitlement = await entitlements.get(call.parameter('id'));
        await entitlements.remove(entitlement.id);
        await note('entitlement.deleted', call as Call, entitlement);
        await accessGuard.recheck();
      },
    }),
  ];
}

/** For the audit log, which is for people to read: more than these, nobody does. */
function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ');
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}
