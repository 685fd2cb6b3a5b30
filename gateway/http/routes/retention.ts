import { changesOf } from '../../audit/changes.ts';
import { GatewayError } from '../../errors.ts';
import { describeDoubt } from '../../retention/age-clock.ts';
import { keptUntil, type RetentionRule, ruleFor } from '../../retention/policy.ts';
import type { Watermarks } from '../../retention/storage-space.ts';
import { type Route, route } from '../route.ts';
import { array, id, nullable, object, ref, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';

/** How long recordings are kept, which are kept whatever the rules say, and how much room there is. */
export function retentionRoutes(services: Services): Route[] {
  return [...ruleRoutes(services), ...holdRoutes(services)];
}

function ruleRoutes({ retention, retentionSettings, targets, storageReport, audit }: Services): Route[] {
  const response = object({
    default: ref('RetentionRule'),
    targets: array(object({ target: object({ id, name: text }), rule: ref('RetentionRule') })),
    watermarks: ref('Watermarks'),
  });
  const describe = async () => {
    const [rules, watermarks, known] = await Promise.all([
      retentionSettings.rules(),
      retentionSettings.watermarks(),
      targets.list(),
    ]);
    const names = new Map(known.map(({ id, name }) => [id, name]));
    return {
      default: rules.default,
      targets: [...rules.targets].map(([id, rule]) => ({ target: { id, name: names.get(id) ?? '' }, rule })),
      watermarks,
    };
  };
  return [
    route({
      method: 'get',
      path: '/api/storage',
      id: 'getStorage',
      tag: 'retention',
      summary: 'What recordings take, target by target, how fast it grows, and how long there is room',
      access: 'setting.manage',
      status: 200,
      response: ref('Storage'),
      errors: [],
      handle: () => storageReport(),
    }),
    route({
      method: 'get',
      path: '/api/retention',
      id: 'getRetention',
      tag: 'retention',
      summary: 'How long recordings are kept, and when the disk counts as low and full',
      access: 'setting.manage',
      status: 200,
      response,
      errors: [],
      handle: describe,
    }),
    route<{ default?: RetentionRule; watermarks?: Watermarks }>({
      method: 'patch',
      path: '/api/retention',
      id: 'changeRetention',
      tag: 'retention',
      summary:
        'Change the rule for targets without one of their own, or the watermarks; deletes at once what is no longer kept',
      access: 'setting.manage',
      body: object({ default: ref('RetentionRule'), watermarks: ref('Watermarks') }, ['default', 'watermarks']),
      status: 200,
      response,
      errors: [],
      async handle({ body, actor, address }) {
        if (body.watermarks !== undefined && body.watermarks.warnFreeBytes < body.watermarks.stopFreeBytes) {
          throw new GatewayError('bad_request', 'the disk is low before it is full: warnFreeBytes is the larger one');
        }
        const before = { ...(await retentionSettings.rules()).default, ...(await retentionSettings.watermarks()) };
        const details = changesOf(before, { ...body.default, ...body.watermarks });
        await audit.record({ action: 'retention.changed', actor, address, subject: 'default', details });
        if (body.default !== undefined) await retentionSettings.setDefault(body.default);
        if (body.watermarks !== undefined) await retentionSettings.setWatermarks(body.watermarks);
        retention.changed();
        return describe();
      },
    }),
    route({
      method: 'post',
      path: '/api/retention/clock',
      id: 'believeClock',
      tag: 'retention',
      summary: 'Say that the time is right, where the clock may be wrong: deletes at once what is too old',
      access: 'setting.manage',
      status: 204,
      errors: [],
      async handle({ actor, address }) {
        const doubt = retention.clockDoubt;
        if (doubt === undefined) return;
        const { lastSeen, since } = describeDoubt(doubt);
        await audit.record({ action: 'retention.resumed', actor, address, details: { lastSeen, since } });
        await retention.believeClock();
      },
    }),
    route<RetentionRule>({
      method: 'patch',
      path: '/api/retention/targets/:id',
      id: 'changeTargetRetention',
      tag: 'retention',
      summary: "A target's own rule; deletes at once what is no longer kept",
      access: 'setting.manage',
      body: ref('RetentionRule'),
      status: 200,
      response,
      errors: ['not_found'],
      async handle({ parameter, body, actor, address }) {
        const target = await targets.get(parameter('id'));
        const before = (await retentionSettings.rules()).targets.get(target.id) ?? {};
        const details = { targetId: target.id, ...changesOf(before, body) };
        await audit.record({ action: 'retention.changed', actor, address, subject: target.name, details });
        await retentionSettings.setTarget(target.id, body);
        retention.changed();
        return describe();
      },
    }),
    route({
      method: 'delete',
      path: '/api/retention/targets/:id',
      id: 'removeTargetRetention',
      tag: 'retention',
      summary: 'Take away the own rule of a target, so that the default is for it too',
      access: 'setting.manage',
      status: 204,
      errors: [],
      async handle({ parameter, actor, address }) {
        const { targets: own } = await describe();
        const rule = own.find(({ target }) => target.id === parameter('id'));
        if (rule === undefined) throw new GatewayError('not_found', 'this target has no rule of its own');
        const details = { targetId: rule.target.id, byDefault: true };
        await audit.record({ action: 'retention.changed', actor, address, subject: rule.target.name, details });
        await retentionSettings.setTarget(rule.target.id, undefined);
        retention.changed();
      },
    }),
  ];
}

function holdRoutes({ history, holds, retention, retentionSettings, audit }: Services): Route[] {
  const reason = { type: 'string', minLength: 1, maxLength: 500, pattern: '\\S' };
  return [
    route({
      method: 'get',
      path: '/api/recordings/:id/retention',
      id: 'getRecordingRetention',
      tag: 'retention',
      summary: 'How long a recording is kept, by which rule, and its legal hold',
      access: 'recording.view',
      status: 200,
      response: object({
        rule: ref('RetentionRule'),
        keptUntil: nullable({ ...time, description: 'by age; null: no limit, under legal hold, or not over yet' }),
        hold: nullable(ref('LegalHold')),
      }),
      errors: [],
      async handle({ parameter }) {
        const recording = await history.recording(parameter('id'));
        const rule = ruleFor(await retentionSettings.rules(), recording.target.id);
        const hold = await holds.find(recording.id);
        const until =
          hold !== undefined || recording.endedAt === null ? null : keptUntil(rule, Date.parse(recording.endedAt));
        return { rule, keptUntil: until === null ? null : new Date(until).toISOString(), hold: hold ?? null };
      },
    }),
    route<{ reason: string }>({
      method: 'post',
      path: '/api/recordings/:id/hold',
      id: 'holdRecording',
      tag: 'retention',
      summary: 'Put a recording under legal hold: nothing deletes it until the hold is lifted',
      access: 'recording.hold',
      body: object({ reason }),
      status: 201,
      response: ref('LegalHold'),
      errors: ['conflict'],
      async handle({ parameter, body, actor, address }) {
        const recording = await history.recording(parameter('id'));
        const hold = await holds.place(recording.id, actor, body.reason.trim());
        await audit.record({
          action: 'recording.held',
          actor,
          address,
          subject: recording.target.name,
          sessionId: recording.id,
          details: { owner: recording.user.username, reason: hold.reason },
        });
        return hold;
      },
    }),
    route({
      method: 'delete',
      path: '/api/recordings/:id/hold',
      id: 'liftHold',
      tag: 'retention',
      summary: 'Lift the legal hold of a recording: the rules are for it again',
      access: 'recording.hold',
      status: 204,
      errors: [],
      async handle({ parameter, actor, address }) {
        const recording = await history.recording(parameter('id'));
        const hold = await holds.find(recording.id);
        if (hold === undefined) throw new GatewayError('not_found', 'there is no legal hold');
        await audit.record({
          action: 'recording.hold_lifted',
          actor,
          address,
          subject: recording.target.name,
          sessionId: recording.id,
          details: { owner: recording.user.username, reason: hold.reason, placedBy: hold.by, placedAt: hold.at },
        });
        await holds.lift(recording.id);
        retention.changed();
      },
    }),
  ];
}
