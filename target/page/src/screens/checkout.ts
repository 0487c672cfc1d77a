// From a hold to tickets: a countdown, one button that orders and pays, and a plain answer.
import { Problem } from "../api";
import {
  cancelOrder, dropCheckout, findCheckout, findPass, keepCheckout, leaveQueue, pay, placeOrder, readOrder,
  releaseHold, stayInside, type Checkout, type Order,
} from "../booking";
import { serverNow } from "../clock";
import { CountdownWords } from "../countdown";
import { fill, focusOn, h, toast } from "../dom";
import type { Scope } from "../scope";
import { clockText, plural, won } from "../text";
import { go, signIn } from "../ways";
import { failure, problemText } from "./failure";
import { orderPanel } from "./order";

const longPollMs = 20000;

const methods = [
  ["CARD", "Card"],
  ["TRANSFER", "Bank transfer"],
  ["EASY", "Easy pay"],
] as const;

export function checkoutScreen(root: HTMLElement, scope: Scope, holdId: string): void {
  const checkout = findCheckout(holdId);
  if (!checkout) {
    fill(root, failure(new Problem(404, "NO_HOLD", "This browser knows no such hold."), undefined));
    return;
  }
  new Desk(root, scope, checkout).open();
}

class Desk {
  private readonly left = h("strong", { class: "countdown", role: "timer", "data-testid": "countdown" });
  private readonly ring = h("span", { class: "ring", "aria-hidden": true });
  private readonly told = h("p", { class: "bad-text", role: "alert" });
  private readonly button: HTMLButtonElement;
  private readonly back: HTMLButtonElement;
  private readonly spoken = new CountdownWords([120, 60, 30, 10], (left) => `${left} left to pay.`);
  private until: number;
  private paying = false;
  private ended = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly scope: Scope,
    private readonly checkout: Checkout,
  ) {
    this.until = checkout.hold.expiresAtMs;
    this.button = h("button", { class: "big", type: "submit", "data-testid": "pay" });
    this.back = h("button", { class: "quiet", type: "button", "data-testid": "give-back", onclick: () => void this.giveBack() }, "Give the seats back");
  }

  private get method(): string {
    return this.checkout.method ?? "CARD";
  }
  private payBy(method: string): void {
    this.checkout.method = method;
    keepCheckout(this.checkout);
  }

  open(): void {
    const { checkout } = this;
    const lines = checkout.seats.map((seat) =>
      h("p", { class: "line" }, h("span", {}, seat.name), h("span", { class: "soft" }, seat.grade), h("span", {}, won(seat.price))));
    const choices = methods.map(([value, label]) =>
      h("label", { class: "choice" },
        h("input", { type: "radio", name: "method", value, checked: value === this.method, onchange: () => this.payBy(value) }),
        h("span", {}, label)));
    fill(
      this.root,
      h("section", { class: "panel narrow" },
        h("header", { class: "row spread timed" },
          h("div", {}, h("h1", {}, checkout.title), h("p", { class: "soft" }, `${plural(checkout.seats.length, "seat")} held for you`)),
          h("div", { class: "timer" }, this.ring, this.left)),
        this.spoken.element,
        h("div", { class: "basket-seats" }, ...lines),
        h("p", { class: "sum" }, h("span", {}, "Total"), h("strong", {}, won(checkout.hold.amount))),
        h("form", { onsubmit: (event: Event) => { event.preventDefault(); void this.pay(); } },
          h("fieldset", {}, h("legend", {}, "Pay by"), ...choices),
          this.told, this.button),
        h("p", { class: "row spread after" }, this.back, h("span", { class: "soft small" }, "A simulation: nothing is charged.")),
      ),
    );
    this.label();
    this.scope.every(250, () => this.label());
    stayInside(checkout.hold.eventId, this.scope);
    // A reload in the middle of a payment: the order says what became of it.
    if (checkout.orderId) void this.settle(checkout.orderId, false);
  }

  private label(): void {
    const left = this.until - serverNow();
    const share = Math.max(0, Math.min(1, left / Math.max(this.checkout.hold.ttlMs, 1)));
    this.left.textContent = clockText(left);
    this.left.classList.toggle("urgent", left < 15000);
    this.ring.style.setProperty("--share", share.toFixed(4));
    this.button.disabled = this.paying;
    this.back.disabled = this.paying;
    this.button.textContent = this.paying ? "Paying…" : `Pay ${won(this.checkout.hold.amount)}`;
    if (!this.paying) this.spoken.tick(left);
    if (left <= 0 && !this.paying && !this.ended) void this.expired();
  }

  private async expired(): Promise<void> {
    this.ended = true;
    if (this.checkout.orderId) return this.settle(this.checkout.orderId, true);
    dropCheckout(this.checkout.hold.holdId);
    this.finish("Your hold is over", "The time to pay ran out, and the seats are free again. Nothing was charged.");
  }

  private finish(title: string, words: string): void {
    if (this.scope.over) return;
    const event = this.checkout.hold.eventId;
    fill(this.root, h("section", { class: "panel narrow", role: "alert", "data-testid": "ended" },
      h("h1", {}, title), h("p", {}, words),
      h("p", { class: "row" }, h("a", { class: "button", href: `#/events/${event}` }, "Back to the seats"))));
    focusOn(this.root.querySelector("h1"));
  }

  private async giveBack(): Promise<void> {
    this.ended = true;
    try {
      if (this.checkout.orderId) await cancelOrder(this.checkout.orderId);
      else await releaseHold(this.checkout.hold.holdId);
    } catch (error) {
      if (!(error instanceof Problem && error.status === 410)) toast(problemText(error), "bad");
    }
    dropCheckout(this.checkout.hold.holdId);
    go(`#/events/${this.checkout.hold.eventId}`);
  }

  private async pay(): Promise<void> {
    if (this.paying || this.ended) return;
    this.paying = true;
    this.told.textContent = "";
    this.label();
    try {
      if (!this.checkout.orderId) {
        const order = await placeOrder(this.checkout);
        this.checkout.orderId = order.orderId;
        this.until = Date.parse(order.expiresAt);
        keepCheckout(this.checkout);
      }
      const { orderId, hold, payKey } = this.checkout;
      await pay(orderId, this.method, hold.amount, payKey);
      await this.settle(orderId, true);
    } catch (error) {
      await this.failed(error);
    } finally {
      this.paying = false;
      if (!this.ended) this.label();
    }
  }

  private async failed(error: unknown): Promise<void> {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) return signIn(location.hash);
    const { orderId } = this.checkout;
    // 504 and a lost answer: the order knows. 410 and 409: it is over, one way or the other.
    const decided = error.status === 0 || error.status === 504 || error.status === 410 || error.code === "ALREADY_PAID";
    if (orderId && decided) return this.settle(orderId, true).catch(() => void (this.told.textContent = problemText(error)));
    if (error.code === "HOLD_EXPIRED") return this.expired();
    if (error.code === "SEAT_CLAIMED") {
      this.ended = true;
      dropCheckout(this.checkout.hold.holdId);
      return this.finish("Somebody was faster", "Another order has one of these seats. Nothing was charged.");
    }
    this.told.textContent = problemText(error);
  }

  /** Shows how the order ended; with `wait` only when it has. */
  private async settle(orderId: string, wait: boolean): Promise<void> {
    let order = await readOrder(orderId, 0, this.scope.signal);
    while (order.status === "PAYMENT_PENDING" && wait && !this.scope.over && Date.parse(order.expiresAt) + 15000 > serverNow()) {
      order = await readOrder(orderId, longPollMs, this.scope.signal);
    }
    this.until = Date.parse(order.expiresAt);
    if (order.status === "PAYMENT_PENDING" && !wait) return;
    this.ended = true;
    this.result(order);
  }

  private result(order: Order): void {
    if (order.status === "CONFIRMED" && findPass(order.eventId)) {
      void leaveQueue(order.eventId, "completed").catch(() => undefined);
    }
    if (this.scope.over) return;
    fill(this.root, orderPanel(order, this.checkout, this.scope));
    focusOn(this.root.querySelector("h1"));
  }
}
