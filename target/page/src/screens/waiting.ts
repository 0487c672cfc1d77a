// The waiting room: how many are before you, and that a lost connection costs nothing.
import { keepPass, leaveQueue } from "../booking";
import type { EventPage } from "../catalogue";
import { fill, focusOn, h, toast } from "../dom";
import { QueueLink, type Place } from "../queue_link";
import type { Scope } from "../scope";
import { aboutText, count } from "../text";
import { go, signIn } from "../ways";
import { failure } from "./failure";

const overText: Record<string, string> = {
  ghosted: "Your browser was silent for too long, so the place went to the next one in line.",
  replaced: "You continued in another tab or on another device.",
  "sale over": "The sale has ended.",
};

const toldEveryMs = 15000; // to those who do not see the number; others would never be let finish

export function waitingScreen(
  root: HTMLElement, scope: Scope, event: EventPage, enter: () => void,
): void {
  const number = h("p", { class: "place", "data-testid": "position" }, "…");
  const total = h("p", { class: "soft" });
  const eta = h("p", {});
  const link = h("span", { class: "link lost", "data-testid": "queue-link" }, "Connecting…");
  const fillBar = h("span", { class: "bar-fill" });
  const spoken = h("p", { class: "unseen", role: "status" });
  let toldAt = -Infinity;
  let first = 0;
  const show = (place: Place) => {
    first = Math.max(first, place.position);
    number.textContent = count(place.position);
    total.textContent = `of ${count(Math.max(place.total, place.position))} waiting`;
    eta.textContent = `Your turn comes in ${aboutText(place.etaMs)}.`;
    if (performance.now() - toldAt >= toldEveryMs) {
      toldAt = performance.now();
      spoken.textContent = `You are number ${count(place.position)} in line. ${eta.textContent}`;
    }
    fillBar.style.width = `${(100 * (1 - (place.position - 1) / Math.max(first, 1))).toFixed(1)}%`;
    document.title = `${count(place.position)} in line · ${event.title}`;
  };
  const again = () => waitingScreen(root, scope, event, enter);
  const queue = new QueueLink(event.id, scope, {
    place: show,
    admitted: (pass) => {
      keepPass(event.id, pass);
      toast("It is your turn.", "good");
      enter();
    },
    connection: (up) => {
      link.className = `link ${up ? "live" : "lost"}`;
      link.textContent = up ? "Connected" : "Reconnecting… your place is kept";
    },
    over: (reason, error) => {
      if (reason === "signed out") return signIn(`#/events/${event.id}`);
      if (error) return fill(root, failure(error, again));
      fill(root, h("section", { class: "panel narrow", role: "alert" },
        h("h1", {}, "You are no longer in line"), h("p", {}, overText[reason] ?? ""),
        h("button", { type: "button", onclick: again }, "Join the line again")));
      focusOn(root.querySelector("h1"));
    },
    soldOut: () => toast("All seats are sold for now. Seats may come back.", "bad"),
  });
  const leave = async () => {
    await leaveQueue(event.id, "left").catch(() => undefined);
    go("#/");
  };
  fill(
    root,
    h("section", { class: "panel narrow waiting" },
      h("h1", {}, event.title),
      h("p", { class: "soft" }, "Waiting room"),
      number, total,
      h("span", { class: "bar", "aria-hidden": true }, fillBar),
      eta, spoken,
      h("p", { class: "soft small" }, "You can lock your phone or reload this page: your place is kept as long as you come back soon."),
      h("p", { class: "row spread after" }, link,
        h("button", { type: "button", class: "quiet", onclick: () => void leave() }, "Leave the line")),
    ),
  );
  void queue.run();
}
