// Elements made in one expression; no templates, no framework.

export type Child = Node | string | number | null | undefined | false;
type Value = string | number | boolean | null | undefined | ((event: never) => void);
export type Attributes = Record<string, Value>;

export function fill(element: Element, ...children: Child[]): void {
  const nodes: (Node | string)[] = [];
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    nodes.push(typeof child === "number" ? String(child) : child);
  }
  element.replaceChildren(...nodes);
}

/** `on…` attributes are listeners; true is an empty attribute; false, null and undefined are none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value as unknown as EventListener);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  fill(element, ...children);
  return element;
}

/** The keyboard goes on here: what had the focus is gone. */
export function focusOn(element: HTMLElement | null): void {
  if (!element) return;
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

/** Says something to everybody, screen readers too. It goes away by itself. */
export function toast(text: string, kind: "info" | "bad" | "good" = "info"): void {
  const place = document.getElementById("toasts");
  if (!place) return;
  const note = h("p", { class: `toast ${kind}` }, text);
  place.append(note);
  while (place.childElementCount > 3) place.firstElementChild?.remove();
  setTimeout(() => note.remove(), 8000);
}
