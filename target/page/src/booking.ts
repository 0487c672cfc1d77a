// Holds and orders of this browser. What a reload must not lose is kept: a payment that was sent is
// sent again with the same key, never a second time.
import { call, newKey, Problem } from "./api";
import type { Scope } from "./scope";

export interface Hold {
  holdId: string;
  eventId: number;
  seatIds: number[];
  expiresAtMs: number;
  ttlMs: number;
  amount: number;
}

export interface Order {
  orderId: string;
  status: string;
  reason?: string | null;
  eventId: number;
  amount: number;
  seatIds: number[];
  expiresAt: string;
  payment: { status: string; failCode: string | null; method: string } | null;
  tickets: { seatId: number }[];
}

export interface Payment {
  paymentKey: string;
  status: "DONE" | "ABORTED" | "IN_PROGRESS";
  failCode?: string | null;
}

/** One way to a ticket: from the hold to the end of its order. */
export interface Checkout {
  hold: Hold;
  title: string;
  seats: { name: string; grade: string; price: number }[];
  orderKey: string;
  payKey: string;
  method?: string;
  orderId?: string;
}

const checkoutsKey = "boxoffice.checkouts";
const checkoutsMax = 50;

function readAll(): Record<string, Checkout> {
  try {
    return JSON.parse(localStorage.getItem(checkoutsKey) ?? "{}") as Record<string, Checkout>;
  } catch {
    return {};
  }
}

export function findCheckout(holdId: string): Checkout | undefined {
  return readAll()[holdId];
}

export function keepCheckout(checkout: Checkout): void {
  const all = readAll();
  delete all[checkout.hold.holdId];
  const entries = [...Object.entries(all), [checkout.hold.holdId, checkout] as const];
  localStorage.setItem(
    checkoutsKey,
    JSON.stringify(Object.fromEntries(entries.slice(-checkoutsMax))),
  );
}

export function dropCheckout(holdId: string): void {
  const all = readAll();
  delete all[holdId];
  localStorage.setItem(checkoutsKey, JSON.stringify(all));
}

/** Newest first. */
export function checkouts(): Checkout[] {
  return Object.values(readAll()).reverse();
}

export function forgetCheckouts(): void {
  localStorage.removeItem(checkoutsKey);
}

// ---- the waiting room's passes

const passKey = (event: number) => `boxoffice.pass.${event}`;

export interface Pass {
  entryToken: string;
  expiresAt: string;
}

export function findPass(event: number): Pass | null {
  try {
    const pass = JSON.parse(sessionStorage.getItem(passKey(event)) ?? "null") as Pass | null;
    return pass && Date.parse(pass.expiresAt) > Date.now() ? pass : null;
  } catch {
    return null;
  }
}

export function keepPass(event: number, pass: Pass): void {
  sessionStorage.setItem(passKey(event), JSON.stringify(pass));
}

export function dropPass(event: number): void {
  sessionStorage.removeItem(passKey(event));
}

const insideBeatMs = 8000; // well below the lease of a place inside

/** Keeps the place inside an event with a waiting room for as long as the scope lives. */
export function stayInside(event: number, scope: Scope): void {
  if (!findPass(event)) return;
  scope.every(insideBeatMs, () => {
    void call("POST", `/api/events/${event}/queue/heartbeat`, { signal: scope.signal }).catch(
      (error: unknown) => {
        if (error instanceof Problem && error.status === 410) dropPass(event);
      },
    );
  });
}

// ---- calls

export function holdSeats(event: number, seatIds: number[], pass: Pass | null): Promise<Hold> {
  const headers: Record<string, string> = pass ? { "Entry-Token": pass.entryToken } : {};
  // The key makes the hold's id: the same hold answers a repeated request.
  return call("POST", "/api/reservations", { body: { eventId: event, seatIds }, headers, key: newKey() });
}

export const releaseHold = (holdId: string) =>
  call<void>("DELETE", `/api/reservations/${holdId}`);

export const placeOrder = (checkout: Checkout) =>
  call<{ orderId: string; expiresAt: string }>("POST", "/api/orders", {
    body: { holdId: checkout.hold.holdId },
    key: checkout.orderKey,
  });

export const pay = (orderId: string, method: string, amount: number, key: string) =>
  call<Payment>("POST", "/api/payments/authorize", { body: { orderId, method, amount }, key });

export const readOrder = (orderId: string, waitMs = 0, signal?: AbortSignal) =>
  call<Order>("GET", `/api/orders/${orderId}?waitMs=${waitMs}`, signal ? { signal } : {});

export const cancelOrder = (orderId: string) =>
  call<{ status: string }>("DELETE", `/api/orders/${orderId}`);

export const leaveQueue = (event: number, reason: "left" | "completed") =>
  call<void>("DELETE", `/api/events/${event}/queue?reason=${reason}`);
