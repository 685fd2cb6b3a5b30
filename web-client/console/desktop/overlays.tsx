import type { ComponentChildren } from 'preact';
import type { EndReason } from '../../viewer/remote-desktop.ts';
import { Icon } from '../ui/icon.tsx';
import { connectionSteps } from './phases.ts';

/** Progress in plain words while a desktop is being opened. */
export function Connecting({ name, step }: { readonly name: string; readonly step: number }) {
  return (
    <div class="overlay" data-testid="connecting">
      <div class="panel">
        <h1>Connecting to {name}</h1>
        <ol class="steps">
          {connectionSteps.map((text, index) => (
            <li key={text} data-step={index < step ? 'done' : index === step ? 'now' : 'later'}>
              <span class="step-mark" aria-hidden="true" />
              <span aria-current={index === step ? 'step' : undefined}>{text}</span>
            </li>
          ))}
        </ol>
        <p class="hidden-text" role="status">
          {connectionSteps[step]}
        </p>
      </div>
    </div>
  );
}

interface EndPanelProps {
  readonly title: string;
  readonly failed: boolean;
  readonly reason: EndReason;
  /** What was said to the user and is not dismissed yet; stays below. */
  readonly messages?: ComponentChildren;
  /** What the user can do now. */
  readonly children: ComponentChildren;
}

/** Why a desktop or a view of one is over, what to do, and the code to quote. */
export function EndPanel({ title, failed, reason, messages, children }: EndPanelProps) {
  return (
    <div class="overlay" data-testid="end-panel">
      <div class="panel" role="alert">
        <h1 class={failed ? 'panel-failed' : ''}>
          {failed && <Icon name="warning" />}
          {title}
        </h1>
        <p data-testid="end-message">{reason.message}</p>
        {reason.hint !== undefined && <p class="quiet">{reason.hint}</p>}
        <p class="quiet small">
          Code <code data-testid="error-code">{reason.code}</code>
        </p>
        <div class="panel-actions">{children}</div>
      </div>
      {messages}
    </div>
  );
}
