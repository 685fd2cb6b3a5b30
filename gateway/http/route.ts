import type { Context } from 'koa';
import type { Action, Actor, Resource } from '../access/can.ts';
import type { Client } from '../access/known-devices.ts';
import type { SignedIn } from '../access/login-sessions.ts';
import type { ErrorCode } from '../errors.ts';

/** JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
export type JsonSchema = { readonly [keyword: string]: unknown };

export type Method = 'get' | 'post' | 'patch' | 'delete';

/**
 * One API route, as data: what it takes, what it gives and who may call it. The router, the validation and
 * `/api/openapi.json` are all made from this, so that they cannot say different things.
 */
export interface Route<Body = unknown, Query = unknown> {
  readonly method: Method;
  /** With `:name` for parameters. */
  readonly path: string;
  /** Unique name, `operationId` in OpenAPI. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  /** Who may call it: anybody, whoever is signed in, or whoever `can` do this. */
  readonly access: 'anyone' | 'signed-in' | Action;
  /** Open to a sign-in that still owes its second factor, too. */
  readonly unfinished?: true;
  /** Takes a form, as HTML sends one, instead of JSON: what a standard asks for. */
  readonly form?: true;
  /** Media type of a body that the handler reads by itself, of any length. */
  readonly takes?: string;
  /** Finds what the action is asked for on, where the right depends on it. Throws `not_found`. */
  readonly resource?: (parameters: Readonly<Record<string, string>>) => Promise<Resource>;
  readonly body?: JsonSchema;
  /** An object schema; every property is a text in the URL and is brought to its type. */
  readonly query?: JsonSchema;
  /** Status of success. */
  readonly status: 200 | 201 | 204 | 302;
  /** JSON of success; a route without one answers 204 or with `produces`. */
  readonly response?: JsonSchema;
  /** Media type of success where it is not JSON; the handler then sets the body itself. */
  readonly produces?: string;
  /** Codes that it may answer with besides those that every route has. */
  readonly errors: readonly ErrorCode[];
  handle(call: Call<Body, Query>): unknown;
}

/** One request, checked. */
export interface Call<Body = unknown, Query = unknown> {
  readonly body: Body;
  readonly query: Query;
  readonly parameters: Readonly<Record<string, string>>;
  readonly address: string;
  /** The same, and with which browser. */
  readonly client: Client;
  readonly context: Context;
  /** Who calls. Throws where the route is open to anyone and nobody is signed in. */
  readonly actor: Actor;
  /** The sign-in that this comes with. Throws as `actor` does. */
  readonly signedIn: SignedIn;
  /** The token that signed the actor in. */
  readonly token: string | undefined;
  /** A path parameter that the route's own path names. */
  parameter(name: string): string;
}

/** Gives a route's handler the types of its body and query, which its schemas hold at run time. */
export function route<Body = undefined, Query = undefined>(declaration: Route<Body, Query>): Route {
  return declaration as Route;
}

const decisions: readonly Route['access'][] = ['session.open', 'session.watch', 'request.make', 'request.decide'];

/** Whether what a route does hangs on somebody still being what a directory said: decided on what it says now. */
export function isDecision({ access, method }: Pick<Route, 'access' | 'method'>): boolean {
  return method !== 'get' && decisions.includes(access);
}
