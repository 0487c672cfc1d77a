// What is on: the list of events, fresh every two seconds.
import { listEvents, type EventHead } from "../catalogue";
import { serverNow } from "../clock";
import { fill, h } from "../dom";
import type { Scope } from "../scope";
import { clockText, count, plural, when } from "../text";
import { failure } from "./failure";

const refreshMs = 2000;

function saleText(event: EventHead): string {
  const now = serverNow();
  const opens = Date.parse(event.saleOpenAt) - now;
  if (opens > 86400000) return `on sale from ${when(event.saleOpenAt)}`;
  if (opens > 0) return `opens in ${clockText(opens)}`;
  if (Date.parse(event.saleCloseAt) < now) return "sale is over";
  if (event.available === 0) return "sold out";
  if (event.available === null) return "on sale";
  return `${count(event.available)} of ${plural(event.seatCount, "seat")} free`;
}

function path(event: EventHead): string {
  if (event.mode !== "RESERVED") return "#/games";
  return `#/events/${event.id}`;
}

const modeNames: Record<string, string> = { AUCTION: "Auction", PRACTICE: "Practice" };

function card(event: EventHead): HTMLElement {
  const share = event.available === null ? 0 : 1 - event.available / Math.max(event.seatCount, 1);
  const bar = h("span", { class: "bar-fill" });
  bar.style.width = `${(share * 100).toFixed(1)}%`;
  const art = h("span", { class: `art art-${event.id % 6}`, "aria-hidden": true });
  return h(
    "li",
    {},
    h(
      "a",
      { class: "card", href: path(event), "data-testid": `event-${event.id}` },
      art,
      h(
        "span",
        { class: "card-body" },
        modeNames[event.mode] && h("span", { class: "tag" }, modeNames[event.mode]),
        h("strong", {}, event.title),
        h("span", { class: "soft" }, when(event.startsAt)),
        h("span", { class: "bar", "aria-hidden": true }, bar),
        h("span", { class: "small" }, saleText(event)),
      ),
    ),
  );
}

export function eventsScreen(root: HTMLElement, scope: Scope): void {
  const list = h("ul", { class: "cards", "aria-busy": true });
  fill(root, h("h1", {}, "What is on"), list);
  let shown = "";
  const load = async () => {
    if (document.hidden && shown) return;
    try {
      const page = await listEvents(scope.signal);
      const cards = page.items.map(card);
      const html = cards.map((item) => item.outerHTML).join("");
      if (html === shown) return;
      shown = html;
      const focused = (document.activeElement as HTMLElement | null)?.dataset["testid"];
      fill(list, ...cards);
      if (focused) list.querySelector<HTMLElement>(`[data-testid="${focused}"]`)?.focus();
      list.removeAttribute("aria-busy");
      if (cards.length === 0) fill(list, h("li", { class: "soft" }, "There are no events yet."));
    } catch (error) {
      if (!scope.over && !shown) fill(root, failure(error, load));
    }
  };
  void load();
  scope.every(refreshMs, () => void load());
}
