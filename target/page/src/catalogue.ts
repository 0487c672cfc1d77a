// Events and seats as the server tells them.
import { call } from "./api";

export interface EventHead {
  id: number;
  title: string;
  mode: "RESERVED" | "PRACTICE" | "AUCTION";
  status: string;
  startsAt: string;
  saleOpenAt: string;
  saleCloseAt: string;
  seatCount: number;
  available: number | null;
}

export interface EventPage extends EventHead {
  epoch: number;
  holdTtlMs: number;
  maxPerUser: number;
  queueOn: boolean;
  rows: number;
  cols: number;
  grades: { grade: string; price: number }[];
}

export interface Seat {
  id: number;
  section: string;
  r: string;
  c: number;
  grade: string;
  price: number;
}

export enum SeatState {
  available = 0,
  held = 1,
  sold = 2,
  locked = 3,
}

export interface Layout {
  rows: number;
  cols: number;
  seats: Seat[];
}

export interface Bitmap {
  version: number;
  epoch?: number;
  n: number;
  bits: string;
  stale?: boolean;
}

/** Four seats a byte, the first in the two highest bits; past the end all are free. */
export function statesOf(bits: string, seats: number): Uint8Array {
  const bytes = atob(bits);
  const states = new Uint8Array(seats);
  for (let seat = 0; seat < seats; ++seat) {
    states[seat] = ((bytes.charCodeAt(seat >> 2) || 0) >> (6 - 2 * (seat & 3))) & 3;
  }
  return states;
}

export function seatName(seat: { r: string; c: number }): string {
  return `${seat.r}-${seat.c}`;
}

/** With its section; a hall of one section has none to name. */
export function placeName(seat: { section: string; r: string; c: number }): string {
  return seat.section === "-" ? `Seat ${seatName(seat)}` : `${seat.section} ${seatName(seat)}`;
}

export const listEvents = (signal: AbortSignal) =>
  call<{ items: EventHead[]; total: number }>("GET", "/api/events?size=50", {
    signal,
    anonymous: true,
  });

export const readEvent = (id: number, signal: AbortSignal) =>
  call<EventPage>("GET", `/api/events/${id}`, { signal, anonymous: true });

/** The places never change while an event lives; their states come from the seat feed. */
export const readLayout = (id: number, signal: AbortSignal) =>
  call<Layout>("GET", `/api/events/${id}/seats`, { signal, anonymous: true });
