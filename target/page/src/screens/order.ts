// What became of an order, and the tickets; and the list of this browser's orders.
import { call, Problem } from "../api";
import { cancelOrder, checkouts, findPass, readOrder, type Checkout, type Order } from "../booking";
import { placeName } from "../catalogue";
import { fill, focusOn, h, toast } from "../dom";
import type { Scope } from "../scope";
import { session } from "../session";
import { plural, when, won } from "../text";
import { signIn } from "../ways";
import { problemText } from "./failure";

const declines: Record<string, string> = {
  REJECT_CARD_COMPANY: "The card company said no.",
  EXCEED_MAX_AMOUNT: "The amount is over the card's limit.",
  INVALID_CARD: "The card is not valid.",
  PG_INTERNAL: "The payment provider had a problem.",
};

const words: Record<string, [string, string]> = {
  CONFIRMED: ["Your seats are booked", "Enjoy the show."],
  PAYMENT_PENDING: ["Payment under way", "This page shows the answer as soon as it is there."],
  CANCELLED: ["Not booked", "The seats are free again. Nothing was charged."],
  EXPIRED: ["Too late", "The time to pay ran out, and the seats are free again."],
  REFUND_PENDING: ["Refund under way", "The money comes back to you."],
  REFUNDED: ["Refunded", "The money came back to you."],
};

function reason(order: Order): string {
  const code = order.payment?.status === "ABORTED" ? order.payment.failCode : null;
  return code ? `Your payment was declined. ${declines[code] ?? ""} ` : "";
}

function ticket(name: string, title: string): HTMLElement {
  return h("li", { class: "ticket" }, h("span", { class: "soft" }, title), h("strong", {}, name));
}

export function orderPanel(order: Order, checkout: Checkout, scope: Scope): HTMLElement {
  const [title, text] = words[order.status] ?? [order.status, ""];
  const good = order.status === "CONFIRMED";
  const panel = h("section", { class: "panel narrow", role: "alert", "data-testid": `order-${order.status}` });
  const cancel = async () => {
    try {
      await cancelOrder(order.orderId);
      const after = await readOrder(order.orderId, 0, scope.signal);
      const next = orderPanel(after, checkout, scope);
      panel.replaceWith(next);
      focusOn(next.querySelector("h1"));
    } catch (error) {
      toast(problemText(error), "bad");
    }
  };
  fill(
    panel,
    h("p", { class: good ? "mark good" : "mark bad", "aria-hidden": true }, good ? "✓" : order.status === "PAYMENT_PENDING" ? "…" : "×"),
    h("h1", {}, title),
    h("p", {}, reason(order), text),
    good && h("ul", { class: "tickets" }, ...checkout.seats.map((seat) => ticket(seat.name, checkout.title))),
    h("p", { class: "sum" }, h("span", { class: "soft small" }, `Order ${order.orderId}`), h("strong", {}, won(order.amount))),
    h("p", { class: "row" },
      good
        ? h("a", { class: "button", href: "#/orders" }, "My orders")
        : h("a", { class: "button", href: `#/events/${order.eventId}`, "data-testid": "again" }, findPass(order.eventId) ? "Choose again" : "Back to the event"),
      good && h("button", { type: "button", class: "quiet", onclick: () => void cancel() }, "Cancel and refund")),
  );
  return panel;
}

interface OwnTicket {
  eventId: number;
  title: string;
  startsAt: string;
  section: string;
  r: string;
  c: number;
  price: number;
  state: "LIVE" | "CANCELLED";
}

// Tickets come from the server, whatever browser bought them; orders under way are this browser's.
async function readTickets(place: HTMLElement, scope: Scope): Promise<void> {
  try {
    const page = await call<{ items: OwnTicket[] }>("GET", "/api/users/me/tickets?size=100", { signal: scope.signal });
    const rowsOf = (state: OwnTicket["state"]) =>
      page.items.filter((one) => one.state === state).map((one) =>
        ticket(placeName(one), `${one.title} · ${when(one.startsAt)}`));
    const live = rowsOf("LIVE");
    const cancelled = rowsOf("CANCELLED");
    fill(place,
      live.length > 0 && h("h2", {}, "Tickets"),
      live.length > 0 && h("ul", { class: "tickets", "data-testid": "tickets" }, ...live),
      cancelled.length > 0 && h("details", { class: "past", "data-testid": "cancelled" },
        h("summary", {}, plural(cancelled.length, "cancelled ticket")), h("ul", { class: "tickets" }, ...cancelled)),
      page.items.length > 0 && h("h2", {}, "Orders from this browser"));
  } catch (error) {
    if (error instanceof Problem && error.status === 401) signIn("#/orders");
  }
}

export async function ordersScreen(root: HTMLElement, scope: Scope): Promise<void> {
  if (!session.signedIn) return signIn("#/orders");
  const list = h("ul", { class: "orders", "aria-busy": true });
  const tickets = h("section", {});
  fill(root, h("h1", {}, "My orders"), tickets, list);
  void readTickets(tickets, scope);
  for (const checkout of checkouts()) {
    const orderId = checkout.orderId;
    const href = `#/checkout/${checkout.hold.holdId}`;
    const state = h("span", { class: "tag" }, orderId ? "…" : "held");
    list.append(h("li", {}, h("a", { class: "card flat", href },
      h("span", { class: "card-body" }, h("strong", {}, checkout.title),
        h("span", { class: "soft" }, `${plural(checkout.seats.length, "seat")}: ${checkout.seats.map((seat) => seat.name).join(", ")}`)), state)));
    if (!orderId) continue;
    void readOrder(orderId, 0, scope.signal)
      .then((order) => {
        state.textContent = (words[order.status]?.[0] ?? order.status).toLowerCase();
        state.classList.toggle("good", order.status === "CONFIRMED");
      })
      .catch(() => (state.textContent = "not known"));
  }
  list.removeAttribute("aria-busy");
  if (list.childElementCount === 0) fill(list, h("li", { class: "soft" }, "No orders yet in this browser."));
}

