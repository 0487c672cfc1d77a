// The auction: the price that is inside now, your bids, and word as soon as you are pushed out.
import { call, newKey, Problem } from "../api";
import { keepCheckout } from "../booking";
import { dropChoice, findChoice, keepChoice } from "../choice";
import { CountdownWords } from "../countdown";
import { fill, h, toast } from "../dom";
import { EventStream } from "../event_stream";
import type { Scope } from "../scope";
import { session } from "../session";
import { clockText, count, plural, won } from "../text";
import { go, signIn } from "../ways";
import { failure, problemText } from "./failure";
import { auctionTitle } from "./games";

interface Auction {
  auctionId: string;
  eventId: number;
  slots: number;
  startPrice: number;
  minStep: number;
  maxBids: number;
  closesAtMs: number;
  opensAtMs: number;
  leftMs: number;
  status: "SCHEDULED" | "OPEN" | "CLOSING" | "CLOSED" | "SETTLED";
  top: number;
  cutoff: number;
  bidders: number;
}

interface Award {
  state: string;
  rank: number;
  slot: number;
  price: number;
  deadlineAtMs: number;
  orderId: string | null;
}

interface Mine {
  amount: number;
  rank: number | null;
  inside: boolean;
  bidsLeft: number;
  award: Award | null;
}

interface Tick {
  top: number;
  cutoff: number;
  left: number;
  bidders: number;
}

interface RankRow {
  rank: number;
  userId: string;
  amount: number;
  state: string;
}

const mineEveryMs = 2500;

export async function auctionScreen(root: HTMLElement, scope: Scope, id: string): Promise<void> {
  if (!session.signedIn) return signIn(`#/auctions/${id}`);
  try {
    const auction = await call<Auction>("GET", `/api/auctions/${id}`, { signal: scope.signal });
    const mine = await call<Mine>("GET", `/api/auctions/${id}/me`, { signal: scope.signal });
    const title = await auctionTitle(auction.eventId, scope.signal);
    if (!scope.over) new House(root, scope, id, title, auction, mine).open();
  } catch (error) {
    if (scope.over) return;
    if (error instanceof Problem && error.status === 401) return signIn(`#/auctions/${id}`);
    fill(root, failure(error, () => void auctionScreen(root, scope, id)));
  }
}

class House {
  private readonly price = h("p", { class: "place", "data-testid": "cutoff" });
  private readonly facts = h("p", { class: "soft", "data-testid": "auction-facts" });
  private readonly left = h("strong", { class: "countdown", role: "timer" });
  private readonly link = h("span", { class: "link lost" }, "Connecting…");
  private readonly standing = h("div", { "aria-live": "polite", "data-testid": "standing" });
  private readonly told = h("p", { class: "bad-text", role: "alert" });
  private readonly amount = h("input", { name: "amount", type: "number", inputmode: "numeric", required: true, "aria-label": "Your bid in won" });
  private readonly button = h("button", { class: "big", "data-testid": "bid" }, "Bid");
  private readonly form: HTMLElement;
  private readonly end = h("section", { class: "panel", "aria-live": "polite" });
  private readonly spoken = new CountdownWords([120, 60, 30, 10], (left) => `The auction closes in ${left}.`);
  private closesAt: number;
  private busy = false;
  private touched = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly scope: Scope,
    private readonly id: string,
    private readonly title: string,
    private auction: Auction,
    private mine: Mine,
  ) {
    this.closesAt = Date.now() + auction.leftMs;
    this.amount.addEventListener("input", () => (this.touched = true));
    const raise = (steps: number) =>
      h("button", { type: "button", class: "quiet", "aria-label": `Raise by ${won(steps * auction.minStep)}`, onclick: () => this.raise(steps) }, `+${count(steps * auction.minStep)}`);
    this.form = h("form", { class: "bid-form", onsubmit: (event: Event) => { event.preventDefault(); void this.bid(); } },
      h("div", { class: "row" }, this.amount, raise(1), raise(5), raise(10)), this.told, this.button);
  }

  open(): void {
    fill(
      this.root,
      h("header", { class: "event-head" },
        h("div", {}, h("h1", {}, this.title),
          h("p", { class: "soft" }, `The ${plural(this.auction.slots, "highest bid")} ${this.auction.slots === 1 ? "wins" : "win"} · at most ${plural(this.auction.maxBids, "bid")} each`)),
        h("div", { class: "event-live" }, this.link, this.left, this.spoken.element)),
      h("div", { class: "forms" },
        h("section", { class: "panel auction" },
          h("p", { class: "soft" }, "Price to be inside now"), this.price, this.facts),
        h("section", { class: "panel" }, h("h2", {}, "Your bid"), this.standing, this.form),
        this.end),
    );
    this.end.hidden = true;
    const kept = findChoice<string>(this.choiceName);
    if (kept) {
      this.amount.value = kept;
      this.touched = true;
    }
    this.show();
    const stream = new EventStream(`/api/auctions/${this.id}/stream`, this.scope, {
      message: ({ event, data }) => this.heard(event, data),
      connected: (up) => {
        this.link.className = `link ${up ? "live" : "lost"}`;
        this.link.textContent = up ? "Live" : "Reconnecting…";
      },
      refused: (problem) => toast(problemText(problem), "bad"),
    });
    void stream.run();
    this.scope.every(250, () => this.clock());
    this.scope.every(mineEveryMs, () => void this.readMine());
    if (this.isOver) void this.closed();
  }

  private get choiceName(): string {
    return `auction.${this.id}`;
  }
  private get isOver(): boolean {
    return this.auction.status === "CLOSED" || this.auction.status === "SETTLED";
  }

  private heard(event: string, data: string): void {
    if (event === "tick") {
      const tick = JSON.parse(data) as Tick;
      const moved = tick.top !== this.auction.top || tick.cutoff !== this.auction.cutoff;
      this.auction = { ...this.auction, top: tick.top, cutoff: tick.cutoff, bidders: tick.bidders };
      this.closesAt = Date.now() + tick.left;
      this.show();
      if (moved) void this.readMine(); // the own rank moves with the price
    } else if (event === "rankOut") {
      toast(`You were outbid and are no longer inside. ${plural(this.mine.bidsLeft, "bid")} left.`, "bad");
      void this.readMine();
    } else if (event === "offer") {
      toast("A slot is offered to you.", "good");
      void this.closed();
    } else if (event === "closed") {
      void this.closed();
    }
  }

  private least(): number {
    return Math.max(this.auction.startPrice, this.mine.amount > 0 ? this.mine.amount + this.auction.minStep : 0);
  }

  // A bid that is inside now: what is asked for at least, or just above the last one inside.
  private advised(): number {
    const full = this.auction.bidders >= this.auction.slots;
    return Math.max(this.least(), full && !this.mine.inside ? this.auction.cutoff + this.auction.minStep : 0);
  }

  private raise(steps: number): void {
    this.touched = true;
    this.amount.value = String((Number(this.amount.value) || this.least()) + steps * this.auction.minStep);
  }

  private show(): void {
    const { auction, mine } = this;
    this.price.textContent = won(auction.bidders >= auction.slots ? auction.cutoff : auction.startPrice);
    this.facts.textContent = `highest ${auction.top > 0 ? won(auction.top) : "–"} · ${plural(auction.bidders, "bidder")} for ${plural(auction.slots, "slot")}`;
    const pips = "●".repeat(mine.bidsLeft) + "○".repeat(Math.max(0, auction.maxBids - mine.bidsLeft));
    const where = mine.rank === null ? h("p", {}, "You have not bid yet.")
      : h("p", {}, h("span", { class: mine.inside ? "tag good" : "tag out" }, mine.inside ? "inside" : "outside"),
          ` Rank ${count(mine.rank)} with `, h("b", {}, won(mine.amount)));
    const key = JSON.stringify([mine, auction.maxBids]);
    if (this.standing.dataset["key"] !== key) {
      this.standing.dataset["key"] = key;
      fill(this.standing, where,
        h("p", { class: "pips" }, h("span", { "aria-hidden": true }, pips), ` ${plural(mine.bidsLeft, "bid")} left`));
    }
    this.amount.min = String(this.least());
    this.amount.step = "1";
    if (!this.touched) this.amount.value = String(this.advised());
    this.form.hidden = mine.bidsLeft === 0 || this.isOver;
    this.clock();
  }

  private clock(): void {
    const left = this.closesAt - Date.now();
    const opens = left - (this.auction.closesAtMs - this.auction.opensAtMs);
    this.left.textContent = this.isOver ? "Closed" : opens > 0 ? `opens in ${clockText(opens)}` : left > 0 ? clockText(left) : "closing…";
    this.left.classList.toggle("urgent", left < 15000);
    if (!this.isOver && opens <= 0) this.spoken.tick(left);
    this.button.disabled = this.busy || left <= 0 || opens > 0;
  }

  private async readMine(): Promise<void> {
    try {
      this.mine = await call<Mine>("GET", `/api/auctions/${this.id}/me`, { signal: this.scope.signal });
      this.show();
      if (this.mine.award) this.award(this.mine.award);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) signIn(location.hash);
    }
  }

  private async bid(): Promise<void> {
    this.busy = true;
    this.told.textContent = "";
    this.clock();
    try {
      await call("POST", `/api/auctions/${this.id}/bids`, { body: { amount: Number(this.amount.value) }, key: newKey() });
      this.touched = false;
      dropChoice(this.choiceName);
      await this.readMine();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        keepChoice(this.choiceName, this.amount.value);
        return signIn(location.hash);
      }
      const floor = error instanceof Problem ? error.body["floor"] : undefined;
      this.told.textContent = typeof floor === "number" ? `Bid at least ${won(floor)}.` : problemText(error);
    } finally {
      this.busy = false;
      this.clock();
    }
  }

  // The ranking is decided a moment after the close; it says 425 until then.
  private async closed(): Promise<void> {
    this.auction.status = "CLOSED";
    try {
      const told = await call<{ ranks: RankRow[] }>("GET", `/api/auctions/${this.id}/result`, { signal: this.scope.signal });
      const rows = told.ranks.slice(0, 10).map((row) =>
        h("li", { class: row.userId === session.user ? "me" : "" },
          h("span", {}, row.userId === session.user ? "you" : `bidder ${row.userId}`), h("span", {}, won(row.amount))));
      this.ranks = h("div", {}, h("h2", {}, "Result"), h("ol", { class: "leaders" }, ...rows));
      this.end.hidden = false;
      if (!this.mine.award) fill(this.end, this.ranks);
    } catch (error) {
      if (error instanceof Problem && error.status === 425 && (await this.scope.sleep(500))) return this.closed();
    }
    await this.readMine();
  }
  private ranks: HTMLElement | null = null;
  private awardShown = "";

  private award(award: Award): void {
    const key = JSON.stringify(award);
    if (key === this.awardShown) return;
    this.awardShown = key;
    this.end.hidden = false;
    const offered = award.state === "OFFERED" && !award.orderId;
    fill(
      this.end,
      h("h2", {}, offered ? "You won a slot" : `Your slot: ${award.state.toLowerCase()}`),
      h("p", {}, `Rank ${count(award.rank)} · slot ${award.slot} · ${won(award.price)}`),
      offered && h("p", { class: "row" },
        h("button", { type: "button", "data-testid": "accept", onclick: () => void this.accept(award) }, "Take it and pay"),
        h("button", { type: "button", class: "quiet", onclick: () => void this.giveUp() }, "Give it up")),
      this.ranks,
    );
  }

  private async accept(award: Award): Promise<void> {
    try {
      const order = await call<{ orderId: string; amount: number; expiresAt: string; seatIds: number[] }>(
        "POST", `/api/auctions/${this.id}/award/accept`, { key: `award-${this.id}-${session.user}` });
      const holdId = newKey(); // the checkout's own; the order holds the slot
      const until = Date.parse(order.expiresAt);
      keepCheckout({
        hold: { holdId, eventId: this.auction.eventId, seatIds: order.seatIds, expiresAtMs: until, ttlMs: until - Date.now(), amount: order.amount },
        title: this.title,
        seats: [{ name: `VIP slot ${award.slot}`, grade: "V", price: order.amount }],
        orderKey: newKey(),
        payKey: newKey(),
        orderId: order.orderId,
      });
      go(`#/checkout/${holdId}`);
    } catch (error) {
      toast(problemText(error), "bad");
    }
  }

  private async giveUp(): Promise<void> {
    try {
      await call("DELETE", `/api/auctions/${this.id}/award`);
      await this.readMine();
    } catch (error) {
      toast(problemText(error), "bad");
    }
  }
}
