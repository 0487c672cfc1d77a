// The states of all seats of an event, kept fresh: the server's stream where there is one, else the
// map is read again and again (a reading without news costs a 304).
import { call, type Problem } from "./api";
import { statesOf, type Bitmap } from "./catalogue";
import { EventStream, type StreamMessage } from "./event_stream";
import type { Scope } from "./scope";

export type Connection = "live" | "polling" | "lost";

export interface SeatListener {
  /** `changed` is null when everything may have. */
  states(states: Uint8Array, changed: number[] | null): void;
  connection(state: Connection): void;
}

const pollMs = 700;

export class SeatFeed {
  private known: Uint8Array;
  private version = -1;

  constructor(
    private readonly event: number,
    private readonly seats: number,
    private readonly scope: Scope,
    private readonly listener: SeatListener,
  ) {
    this.known = new Uint8Array(seats);
  }

  start(): void {
    const stream = new EventStream(`/api/events/${this.event}/seats/stream`, this.scope, {
      message: (message) => this.apply(message),
      connected: (up) => this.listener.connection(up ? "live" : "lost"),
      refused: (problem) => void this.poll(problem),
    });
    void stream.run();
  }

  /** What a refusal of ours taught about a seat, before the feed says it. */
  learn(seat: number, state: number): void {
    if (this.known[seat] === state) return;
    this.known[seat] = state;
    this.listener.states(this.known, [seat]);
  }

  private apply(message: StreamMessage): void {
    const told = JSON.parse(message.data) as Partial<Bitmap> & { v?: number; c?: [number, number][] };
    if (typeof told.bits === "string") {
      this.replace(told.bits, told.version ?? told.v ?? 0);
      return;
    }
    if (message.event !== "seats" || !told.c) return;
    const changed: number[] = [];
    for (const [seat, state] of told.c) {
      if (seat >= this.seats || this.known[seat] === state) continue;
      this.known[seat] = state;
      changed.push(seat);
    }
    this.version = told.v ?? this.version;
    if (changed.length > 0) this.listener.states(this.known, changed);
  }

  private replace(bits: string, version: number): void {
    const states = statesOf(bits, this.seats);
    const first = this.version < 0;
    const changed: number[] = [];
    for (let seat = 0; seat < this.seats; ++seat) {
      if (states[seat] !== this.known[seat]) changed.push(seat);
    }
    this.known = states;
    this.version = version;
    this.listener.states(states, first ? null : changed);
  }

  private async poll(refusal: Problem): Promise<void> {
    // 404 and 405: a server without the stream. Anything else will be the same for the map.
    if (refusal.status !== 404 && refusal.status !== 405) this.listener.connection("lost");
    while (!this.scope.over) {
      if (!document.hidden) await this.pollOnce();
      await this.scope.sleep(pollMs);
    }
  }

  private async pollOnce(): Promise<void> {
    try {
      const map = await call<Bitmap>("GET", `/api/events/${this.event}/seats?format=bitmap`, {
        signal: this.scope.signal,
        anonymous: true,
      });
      this.listener.connection(map.stale ? "lost" : "polling");
      if (map.version !== this.version) this.replace(map.bits, map.version);
    } catch {
      if (!this.scope.over) this.listener.connection("lost");
    }
  }
}
