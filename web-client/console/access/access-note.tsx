import { Icon } from '../ui/icon.tsx';

/** A warning in a list or a form: it works, but not as it is meant to. */
export function AccessNote({ text }: { readonly text: string }) {
  return (
    <p class="access-note" data-testid="access-warning">
      <Icon name="warning" /> {text}
    </p>
  );
}
