// One event: its hall, live; choose seats and hold them. With the waiting room on, its door.
import { Problem } from "../api";
import { dropPass, findPass, holdSeats, keepCheckout, leaveQueue, stayInside } from "../booking";
import {
  placeName, readEvent, readLayout, seatName, SeatState, type EventPage, type Layout, type Seat,
} from "../catalogue";
import { newKey } from "../api";
import { dropChoice, findChoice, keepChoice } from "../choice";
import { serverNow } from "../clock";
import { fill, h, toast } from "../dom";
import type { Scope } from "../scope";
import { SeatFeed, type Connection } from "../seat_feed";
import { bestSeats, SeatMap } from "../seat_map";
import { session } from "../session";
import { clockText, count, plural, when, won } from "../text";
import { go, signIn } from "../ways";
import { failure, problemText } from "./failure";
import { waitingScreen } from "./waiting";

export async function eventScreen(root: HTMLElement, scope: Scope, id: number): Promise<void> {
  fill(root, h("h1", { class: "soft" }, "Loading…"));
  try {
    const event = await readEvent(id, scope.signal);
    if (event.queueOn && !findPass(id)) {
      if (!session.signedIn) return signIn(`#/events/${id}`);
      return waitingScreen(root, scope, event, () => void eventScreen(root, scope, id));
    }
    const layout = await readLayout(id, scope.signal);
    if (!scope.over) new Hall(root, scope, event, layout).open();
  } catch (error) {
    if (!scope.over) fill(root, failure(error, () => void eventScreen(root, scope, id)));
  }
}

const connectionText: Record<Connection, string> = {
  live: "Live",
  polling: "Refreshing",
  lost: "Reconnecting…",
};

interface Choice {
  epoch: number;
  seats: number[];
}

class Hall {
  private readonly map: SeatMap;
  private readonly feed: SeatFeed;
  private states: Uint8Array;
  private readonly counts = h("p", { class: "counts", "data-testid": "counts" });
  private readonly link = h("span", { class: "link lost" }, connectionText.lost);
  private readonly basket = h("div", { class: "basket-seats" });
  private readonly total = h("strong", {});
  private readonly button: HTMLButtonElement;
  private readonly many: HTMLSelectElement;
  private busy = false;
  private fresh = true; // the states are not known yet

  constructor(
    private readonly root: HTMLElement,
    private readonly scope: Scope,
    private readonly event: EventPage,
    private readonly layout: Layout,
  ) {
    this.states = new Uint8Array(layout.seats.length);
    event.grades.sort((a, b) => b.price - a.price);
    const grades = event.grades.map((grade) => grade.grade);
    this.map = new SeatMap({ layout, grades, choose: (seat) => this.toggle(seat) });
    this.feed = new SeatFeed(event.id, layout.seats.length, scope, {
      states: (states, changed) => this.news(states, changed),
      connection: (state) => this.linked(state),
    });
    this.button = h("button", { type: "button", class: "big", "data-testid": "hold", onclick: () => void this.hold() });
    const most = Math.min(event.maxPerUser, 10);
    const numbers = Array.from({ length: most }, (_, i) => h("option", { value: i + 1 }, i + 1));
    this.many = h("select", { "aria-label": "How many seats" }, ...numbers);
  }

  open(): void {
    const { event } = this;
    const legend = event.grades.map(({ grade, price }, i) =>
      h("li", {}, h("span", { class: `dot grade-${i % 6}` }), `${grade} ${won(price)}`),
    );
    fill(
      this.root,
      h("header", { class: "event-head" },
        h("div", {}, h("h1", {}, event.title), h("p", { class: "soft" }, when(event.startsAt))),
        h("div", { class: "event-live" }, this.link, this.counts),
      ),
      h("div", { class: "hall" },
        this.map.element,
        h("ul", { class: "legend", "aria-label": "Prices" }, ...legend,
          h("li", {}, h("span", { class: "dot held" }), "held"),
          h("li", {}, h("span", { class: "dot sold" }), "sold")),
        h("aside", { class: "panel basket", "aria-label": "Your seats" },
          h("div", { class: "best" },
            this.many,
            h("button", { type: "button", class: "quiet", "data-testid": "best", onclick: () => this.best() }, "Best seats")),
          this.basket,
          h("p", { class: "sum" }, h("span", {}, "Total"), this.total),
          this.button,
        ),
      ),
    );
    this.feed.start();
    stayInside(event.id, this.scope);
    this.chosen();
    this.scope.every(1000, () => this.label());
  }

  private get choiceName(): string {
    return `event.${this.event.id}`;
  }

  // What was chosen before a reload or before signing in. What is gone meanwhile is told like any loss.
  private restore(): void {
    this.fresh = false;
    const kept = findChoice<Choice>(this.choiceName);
    if (!kept || kept.epoch !== this.event.epoch || this.map.chosen.size > 0) return;
    this.map.choose(kept.seats.filter((seat) => seat < this.layout.seats.length));
    this.chosen();
    // Who came here by a link, from the door, goes on where they were.
    if (document.activeElement?.id === "main") this.button.focus();
  }

  private news(states: Uint8Array, changed: number[] | null): void {
    this.states = states;
    if (this.fresh) this.restore();
    const lost = [...this.map.chosen].filter((seat) => states[seat] !== SeatState.available);
    if (lost.length > 0 && !this.busy) {
      this.map.choose([...this.map.chosen].filter((seat) => !lost.includes(seat)));
      this.gone(lost);
      this.chosen();
    }
    this.map.show(states, changed);
    const sums = [0, 0, 0, 0];
    for (const state of states) sums[state] = (sums[state] ?? 0) + 1;
    const [free = 0, held = 0, sold = 0] = sums;
    fill(this.counts, h("b", {}, count(free)), " free · ", h("b", {}, count(held)), " held · ",
      h("b", {}, count(sold)), " sold");
  }

  private linked(state: Connection): void {
    this.link.className = `link ${state}`;
    this.link.textContent = connectionText[state];
  }

  private names(seats: number[]): string {
    return seats.map((seat) => seatName(this.layout.seats[seat] as Seat)).join(", ");
  }

  private gone(seats: number[]): void {
    const what = seats.length === 1 ? "Seat" : "Seats";
    const verb = seats.length === 1 ? "was" : "were";
    toast(`${what} ${this.names(seats)} ${verb} just taken by somebody else. Please choose again.`, "bad");
  }

  private toggle(seat: Seat): void {
    const { chosen } = this.map;
    if (chosen.has(seat.id)) {
      chosen.delete(seat.id);
    } else if (this.states[seat.id] !== SeatState.available) {
      toast(`Seat ${seatName(seat)} is not free.`, "bad");
    } else if (chosen.size >= this.event.maxPerUser) {
      toast(`At most ${plural(this.event.maxPerUser, "seat")} for one person.`, "bad");
    } else {
      chosen.add(seat.id);
    }
    this.chosen();
  }

  private best(): void {
    const wanted = Number(this.many.value);
    const seats = bestSeats(this.layout, this.states, wanted);
    if (seats.length === 0) toast(`No ${wanted} free seats side by side are left.`, "bad");
    this.map.choose(seats);
    this.chosen();
  }

  private chosen(): void {
    const seats = [...this.map.chosen].map((seat) => this.layout.seats[seat] as Seat);
    const lines = seats.map((seat) =>
      h("p", { class: "line" }, h("span", {}, placeName(seat)),
        h("span", { class: "soft" }, seat.grade), h("span", {}, won(seat.price))),
    );
    fill(this.basket, ...(lines.length > 0 ? lines : [h("p", { class: "soft" }, "Choose seats on the map.")]));
    if (seats.length > 0) keepChoice(this.choiceName, { epoch: this.event.epoch, seats: [...this.map.chosen] });
    else if (!this.fresh) dropChoice(this.choiceName);
    this.total.textContent = won(seats.reduce((sum, seat) => sum + seat.price, 0));
    this.map.redraw();
    this.label();
  }

  private label(): void {
    const opens = Date.parse(this.event.saleOpenAt) - serverNow();
    const size = this.map.chosen.size;
    this.button.disabled = this.busy || size === 0 || opens > 0;
    this.button.textContent = this.busy ? "Holding…"
      : opens > 0 ? `Opens in ${clockText(opens)}`
      : size === 0 ? "Hold seats" : `Hold ${plural(size, "seat")}`;
  }

  private async hold(): Promise<void> {
    if (!session.signedIn) return signIn(`#/events/${this.event.id}`);
    const seats = [...this.map.chosen];
    this.busy = true;
    this.label();
    try {
      const hold = await holdSeats(this.event.id, seats, findPass(this.event.id));
      this.map.choose([]);
      dropChoice(this.choiceName);
      const places = hold.seatIds.map((seat) => this.layout.seats[seat] as Seat);
      keepCheckout({
        hold,
        title: this.event.title,
        seats: places.map((seat) => ({ name: placeName(seat), grade: seat.grade, price: seat.price })),
        orderKey: newKey(),
        payKey: newKey(),
      });
      go(`#/checkout/${hold.holdId}`);
    } catch (error) {
      this.refused(error);
    } finally {
      this.busy = false;
      this.chosen();
    }
  }

  private refused(error: unknown): void {
    if (!(error instanceof Problem)) return toast(problemText(error), "bad");
    if (error.status === 401) return signIn(`#/events/${this.event.id}`);
    if (error.code === "NOT_ADMITTED" || error.code === "PASS_EXPIRED") {
      dropPass(this.event.id);
      toast("Your time inside is over. Join the queue again.", "bad");
      void leaveQueue(this.event.id, "left").catch(() => undefined);
      return void eventScreen(this.root, this.scope, this.event.id);
    }
    const taken = error.conflicts.filter(({ seatId }) => this.map.chosen.has(seatId));
    if (taken.length === 0) return toast(problemText(error), "bad");
    for (const { seatId, state } of taken) {
      this.map.chosen.delete(seatId);
      this.feed.learn(seatId, state === "SOLD" ? SeatState.sold : state === "LOCKED" ? SeatState.locked : SeatState.held);
    }
    this.gone(taken.map(({ seatId }) => seatId));
  }
}
