import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { type RequestDetails, type RequestItem, type RequestVerb, requests } from '../api/requests.ts';
import { formatMoment, formatMomentWithin } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { ActDialog } from '../requests/act-dialog.tsx';
import { AccessTimes, RequestTags, StateTag } from '../requests/request-table.tsx';
import { RevealDialog } from '../requests/reveal-dialog.tsx';
import { SessionsOfRequest } from '../requests/sessions-of-request.tsx';
import { eventText, formatMinutes, isOver, ownTimeZone, stateTexts, subjectOf } from '../requests/words.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { useResource } from '../ui/use-resource.ts';
import { desktopPath } from './desktops.tsx';

const EVERY_MS = 3000;

/** `/requests/:id`: everything about one request, and what one may do with it. */
export function RequestPage() {
  const { params } = useRoute();
  const id = params.id ?? '';
  return <OneRequest key={id} id={id} />;
}

function OneRequest({ id }: { readonly id: string }) {
  const { value: request, error, reload } = useResource((signal) => requests.details(id, signal), EVERY_MS);
  const [verb, setVerb] = useState<RequestVerb>();
  return (
    <Page
      title={request === undefined ? 'Request' : subjectOf(request)}
      intro={request !== undefined && `Request of ${request.user.username}`}
      actions={request !== undefined && <Verbs request={request} choose={setVerb} />}
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {request === undefined && error === undefined && <Loading what="the request" />}
      {request !== undefined && <Everything request={request} />}
      {request !== undefined && verb !== undefined && (
        <ActDialog task={{ verb, request }} done={reload} close={() => setVerb(undefined)} />
      )}
    </Page>
  );
}

interface VerbsProps {
  readonly request: RequestDetails;
  choose(verb: RequestVerb): void;
}

function Verbs({ request: { may, state }, choose }: VerbsProps) {
  const verbs: readonly (readonly [verb: RequestVerb, text: string, kind: string, allowed: boolean])[] = [
    ['approve', 'Approve', 'button primary', may.decide],
    ['deny', 'Deny', 'button danger-text', may.decide],
    ['review', 'Sign off', 'button primary', may.review],
    ['revoke', 'Revoke', 'button danger-text', may.revoke],
    ['check-in', state === 'available' ? 'Check in' : 'Withdraw', 'button', may.checkIn],
  ];
  return verbs
    .filter(([, , , allowed]) => allowed)
    .map(([verb, text, kind]) => (
      <button key={verb} type="button" class={kind} onClick={() => choose(verb)} data-testid={verb}>
        {text}
      </button>
    ));
}

function Everything({ request }: { readonly request: RequestDetails }) {
  const { user } = useIdentity();
  const zone = ownTimeZone();
  return (
    <div class="request">
      {request.emergency && (
        <div class="note note-error">
          <Icon name="warning" />
          <p class="note-text strong">Emergency access: nobody approved it before. It has to be reviewed.</p>
        </div>
      )}
      <section class="request-part" aria-label="Request">
        <dl class="request-facts">
          <Fact name="State">
            <StateTag state={request.state} /> <span class="quiet">{stateTexts[request.state][1]}</span>{' '}
            <RequestTags request={request} />
          </Fact>
          <Fact name="Time">
            <AccessTimes request={request} />
            <span class="quiet small">
              Your time zone, {zone.name}
              {request.timeZone !== '' && request.timeZone !== zone.name && `; asked from ${request.timeZone}`}
            </span>
          </Fact>
          <Fact name="Asked">{formatMoment(request.createdAt)}</Fact>
          {request.reason !== '' && <Fact name="Reason">{request.reason}</Fact>}
          {request.comment !== '' && <Fact name="Comment">{request.comment}</Fact>}
          {request.ticket !== '' && <Fact name="Ticket">{request.ticket}</Fact>}
        </dl>
      </section>
      <Items request={request} own={request.user.id === user.id} />
      <Approvals request={request} />
      {request.sessions.length > 0 && (
        <SessionsOfRequest sessions={request.sessions} plays={hasRole(user, 'auditor')} />
      )}
      <History request={request} />
    </div>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Items({ request, own }: { readonly request: RequestDetails; readonly own: boolean }) {
  const [shown, setShown] = useState<RequestItem>();
  return (
    <section class="request-part">
      <h2>Accounts</h2>
      <ul class="request-lines" data-testid="items">
        {request.items.map((item) => (
          <li key={item.account.id} class="request-line">
            <span class="stacked">
              <span class="strong">
                {item.account.username} on {item.target.name}
              </span>
              <span class="quiet small">
                {formatMinutes(item.minutes)}
                {item.endsAt !== null && `, until ${formatMomentWithin(item.endsAt)}`}, policy {item.policy.name}
              </span>
            </span>
            {own && item.reveal && (
              <button type="button" class="button" onClick={() => setShown(item)} data-testid="reveal">
                Show password<span class="hidden-text"> of {item.account.username}</span>
              </button>
            )}
            {own && request.may.open && (item.endsAt === null || Date.parse(item.endsAt) > Date.now()) && (
              <a
                class="button primary"
                href={desktopPath(item.target, item.account.id, request.id)}
                aria-label={`Connect to ${item.target.name} as ${item.account.username}`}
                data-testid="connect"
              >
                Connect
              </a>
            )}
          </li>
        ))}
      </ul>
      {shown !== undefined && <RevealDialog requestId={request.id} item={shown} close={() => setShown(undefined)} />}
      {own && isOver(request.state) && !request.automatic && (
        <a class="button" href={`/requests/new?${againQuery(request)}`} data-testid="again">
          Ask again
        </a>
      )}
    </section>
  );
}

function againQuery(request: RequestDetails): URLSearchParams {
  return new URLSearchParams(request.items.map(({ account }) => ['account', account.id]));
}

function Approvals({ request }: { readonly request: RequestDetails }) {
  const { votes, state } = request;
  // Nobody was asked where nobody is needed, as in an emergency.
  const steps = request.steps.filter(({ needed }) => needed > 0);
  if (steps.length === 0 && votes.length === 0) return null;
  return (
    <section class="request-part">
      <h2>Approvals</h2>
      <ul class="request-lines" data-testid="steps">
        {steps.map((step) => (
          <li key={`${step.track} ${step.step}`} class="request-line">
            <span>
              {step.group === null ? 'Any approver' : step.group.name}
              <span class="quiet small"> policy {step.policy}</span>
            </span>
            <span class={step.given >= step.needed ? 'approved' : 'quiet'}>
              {step.given} of {step.needed}
            </span>
          </li>
        ))}
        {votes.map((vote) => (
          <li key={vote.approver.id} class="request-line">
            <span class="stacked">
              <span>
                <span class="strong">{vote.approver.username}</span>{' '}
                {vote.decision === 'approve' ? 'approved' : 'denied'}
              </span>
              {vote.comment !== '' && <span class="quiet">{vote.comment}</span>}
            </span>
            <span class="quiet small moment">{formatMoment(vote.at)}</span>
          </li>
        ))}
        {votes.length === 0 && state === 'pending' && <li class="quiet">Nobody has decided yet.</li>}
      </ul>
    </section>
  );
}

function History({ request: { history } }: { readonly request: RequestDetails }) {
  return (
    <section class="request-part">
      <h2>History</h2>
      <ol class="request-lines" data-testid="history">
        {history.map((event, index) => (
          <li key={index} class="request-line">
            <span class="stacked">
              <span>
                {eventText(event.event)}
                <span class="quiet"> by {event.actor === null ? 'Oriel' : event.actor.username}</span>
              </span>
              {event.comment !== '' && <span class="quiet">{event.comment}</span>}
            </span>
            <time class="quiet small moment" dateTime={event.at} title={event.at}>
              {formatMoment(event.at)}
            </time>
          </li>
        ))}
      </ol>
    </section>
  );
}
