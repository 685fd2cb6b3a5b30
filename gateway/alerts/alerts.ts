import type { InputEvent } from '#protocol/pdu/input.ts';
import { sessionClock } from '../clock.ts';
import { errorRow } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { ClipboardInspection } from '../sessions/session-clipboard.ts';
import type { Inspection } from '../sessions/session-contract.ts';
import type { AlertRule, AlertRules } from './alert-rules.ts';
import { sessionsThat } from './conditions.ts';
import { TextPattern } from './text-pattern.ts';
import { TypedLine } from './typed-line.ts';

export interface AlertsParts {
  readonly rules: Pick<AlertRules, 'list'>;
  /** Writes down that a rule was fired, and tells whoever should know. */
  tell(session: LiveSession, rule: AlertRule, detail: string): Promise<void>;
  /** The rules that hold from here on. */
  reloaded?(rules: readonly AlertRule[]): void;
  readonly log: Logger;
}

/**
 * Holds live sessions against the rules: typed text with every key, the rest every second. A rule fires once in a
 * session, and again only when what it is about was over meanwhile.
 */
export class Alerts {
  readonly #parts: AlertsParts;
  #rules: readonly AlertRule[] = [];
  #typedPatterns: readonly TextRule[] = [];
  #clipboardPatterns: readonly TextRule[] = [];
  /** Rules by id that are about a session, and have fired in it. */
  #fired = new WeakMap<LiveSession, Set<string>>();
  readonly #typed = new WeakMap<LiveSession, TypedLine>();
  /** Writing down and telling, still under way. */
  readonly #unfinished = new Set<Promise<void>>();

  constructor(parts: AlertsParts) {
    this.#parts = parts;
  }

  /** Reads the rules anew, after each change of them. */
  async reload(): Promise<void> {
    this.#rules = (await this.#parts.rules.list()).filter(({ enabled }) => enabled);
    this.#typedPatterns = textRules(this.#rules, 'typed-text');
    this.#clipboardPatterns = textRules(this.#rules, 'clipboard-text');
    this.#parts.reloaded?.(this.#rules);
  }

  /**
   * Called every second, unless there is nothing to look at.
   * @param wall milliseconds since the epoch, by the wall clock
   * @param now the same by the clock that sessions are timed by
   * @returns milliseconds for which there is nothing to look at, unless rules change
   */
  tick(sessions: readonly LiveSession[], wall: number, now: number = sessionClock()): number {
    if (this.#rules.every(({ condition }) => 'pattern' in condition)) return Number.POSITIVE_INFINITY;
    const live = sessions.filter(({ state }) => state.name === 'active');
    for (const rule of this.#rules) {
      if ('pattern' in rule.condition) continue;
      const about = sessionsThat(rule.condition, live, { wall, now });
      for (const session of live) this.#hold(session, rule, about.get(session));
    }
    return sessions.length === 0 ? Number.POSITIVE_INFINITY : 0;
  }

  /** The key that completes a text that a rule freezes or ends for, does not get to the server. */
  inspect(session: LiveSession, events: readonly InputEvent[]): Inspection {
    if (this.#typedPatterns.length === 0) return { pass: events.length };
    const line = this.#typedIn(session);
    const acts: (() => void)[] = [];
    for (const [index, event] of events.entries()) {
      if (!line.add(event)) continue;
      const matched = matchesIn(line.text, this.#typedPatterns);
      if (matched.length === 0) continue;
      line.clear();
      acts.push(() => {
        for (const { rule, text } of matched) this.#fire(session, rule, 'text was typed that the rule looks for', text);
      });
      if (matched.some(({ rule }) => rule.action !== 'alert')) return { pass: index, act: () => run(acts) };
    }
    return { pass: events.length, act: () => run(acts) };
  }

  /** Text that a rule freezes or ends for, does not pass. */
  inspectClipboard(session: LiveSession, text: string): ClipboardInspection {
    const matched = matchesIn(text, this.#clipboardPatterns, CLIPBOARD_MATCH_WITHIN_MS);
    return {
      pass: matched.every(({ rule }) => rule.action === 'alert'),
      act: () => {
        for (const { rule, text: found } of matched) {
          const detail = 'text passed through the clipboard that the rule looks for';
          this.#fire(session, rule, detail, found.slice(0, MAX_FOUND));
        }
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#unfinished);
  }

  #hold(session: LiveSession, rule: AlertRule, words: string | undefined): void {
    const fired = this.#fired.get(session) ?? new Set();
    this.#fired.set(session, fired);
    if (words === undefined) fired.delete(rule.id);
    else if (!fired.has(rule.id)) {
      fired.add(rule.id);
      this.#fire(session, rule, words);
    }
  }

  #fire(session: LiveSession, rule: AlertRule, detail: string, typed?: string): void {
    const { id, name, action, condition, tellUser } = rule;
    session.alerted({ rule: { id, name }, kind: condition.kind, action, detail, at: Date.now() }, tellUser, typed);
    if (action === 'freeze') {
      const told = tellUser ? {} : { nameForOwner: 'a rule' };
      session.freeze({ id, username: `rule “${name}”`, ...told }, tellUser ? name : '');
    }
    if (action === 'end') {
      const { message } = errorRow('ended_by_rule');
      session.end('ended_by_rule', `by rule “${name}”`, { message: tellUser ? `${message} ${name}` : message });
    }
    const telling: Promise<void> = this.#parts
      .tell(session, rule, detail)
      .catch((error: unknown) => this.#parts.log.error({ err: error, session: session.id }, 'an alert was not told'))
      .finally(() => this.#unfinished.delete(telling));
    this.#unfinished.add(telling);
  }

  #typedIn(session: LiveSession): TypedLine {
    const line = this.#typed.get(session) ?? new TypedLine(session.facts.keyboardLayout);
    this.#typed.set(session, line);
    return line;
  }
}

interface TextRule {
  readonly rule: AlertRule;
  readonly pattern: TextPattern;
}

/** A clipboard may hold a megabyte, and is looked at once and not with every key. */
const CLIPBOARD_MATCH_WITHIN_MS = 100;
/** Characters of what was found in a clipboard that the event log may show. */
const MAX_FOUND = 256;

function textRules(rules: readonly AlertRule[], kind: AlertRule['condition']['kind']): TextRule[] {
  return rules.flatMap((rule) =>
    'pattern' in rule.condition && rule.condition.kind === kind
      ? [{ rule, pattern: new TextPattern(rule.condition.pattern, rule.condition.matchCase) }]
      : [],
  );
}

function matchesIn(text: string, rules: readonly TextRule[], withinMs?: number): { rule: AlertRule; text: string }[] {
  return rules.flatMap(({ rule, pattern }) => {
    const found = pattern.find(text, withinMs);
    return found === undefined ? [] : [{ rule, text: found }];
  });
}

function run(acts: readonly (() => void)[]): void {
  for (const act of acts) act();
}
