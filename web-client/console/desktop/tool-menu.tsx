import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon, type IconName } from '../ui/icon.tsx';

interface ToolMenuProps {
  readonly icon: IconName;
  readonly label: string;
  readonly title: string;
  readonly testId: string;
  /** Something in it wants to be looked at. */
  readonly marked?: boolean;
  /** What is in it; `close` closes it. */
  children(close: () => void): ComponentChildren;
}

/** A button of the toolbar that opens a list or a panel below it; Esc, a click and the focus elsewhere close it. */
export function ToolMenu({ icon, label, title, testId, marked = false, children }: ToolMenuProps) {
  const menu = useRef<HTMLDetailsElement>(null);
  const close = (): void => {
    if (menu.current !== null) menu.current.open = false;
  };
  useEffect(() => {
    const outside = (event: Event): void => {
      if (event.target instanceof Node && menu.current?.contains(event.target) === false) close();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, []);

  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        close();
        menu.current?.querySelector('summary')?.focus();
      }}
    >
      <summary class="tool" data-testid={testId} data-marked={marked} title={title}>
        <Icon name={icon} />
        <span class="tool-text">{label}</span>
      </summary>
      <div class="menu-list">{children(close)}</div>
    </details>
  );
}
