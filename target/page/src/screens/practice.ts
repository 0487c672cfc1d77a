// The practice room: a hall that opens at :00 for some seconds, bots that want the same seats, and the
// time you took, compared with everybody's.
import { call, Problem } from "../api";
import { statesOf, type Layout } from "../catalogue";
import { CountdownWords } from "../countdown";
import { fill, h, toast } from "../dom";
import type { Scope } from "../scope";
import { SeatMap } from "../seat_map";
import { session } from "../session";
import { count } from "../text";
import { signIn } from "../ways";
import { failure, problemText } from "./failure";

interface Room {
  roomId: string;
  title: string;
  cycleId: number;
  serverNowMs: number;
  nextOpensInMs: number;
  periodMs: number;
  openMs: number;
  rows: number;
  cols: number;
  bots: number;
  bits: string;
}

interface Result {
  recordId: string;
  cycleId: number;
  seatId: number;
  durationMs: number;
  topPercent: number;
  total: number;
}

interface Leader {
  rank: number;
  userId: string;
  durationMs: number;
}

const openPollMs = 250;
const idlePollMs = 2000;
const readyMs = 5000; // before the start the digits grow

export async function practiceScreen(root: HTMLElement, scope: Scope, id: string): Promise<void> {
  if (!session.signedIn) return signIn(`#/practice/${id}`);
  try {
    const room = await call<Room>("GET", `/api/practice/${id}`, { signal: scope.signal });
    if (!scope.over) new Practice(root, scope, room).open();
  } catch (error) {
    if (scope.over) return;
    if (error instanceof Problem && error.status === 401) return signIn(`#/practice/${id}`);
    fill(root, failure(error, () => void practiceScreen(root, scope, id)));
  }
}

export const seconds = (ms: number) => `${(ms / 1000).toFixed(3)} s`;

function label(row: number): string {
  return (row >= 26 ? String.fromCharCode(64 + Math.floor(row / 26)) : "") + String.fromCharCode(65 + (row % 26));
}

function layoutOf(room: Room): Layout {
  const seats = Array.from({ length: room.rows * room.cols }, (_, id) => ({
    id,
    section: "Seat",
    r: label(Math.floor(id / room.cols)),
    c: (id % room.cols) + 1,
    grade: "P",
    price: 0,
  }));
  return { rows: room.rows, cols: room.cols, seats };
}

class Practice {
  private readonly map: SeatMap;
  private readonly digits = h("p", { class: "place", role: "timer", "data-testid": "practice-clock" });
  private readonly phase = h("p", { class: "soft", "aria-live": "polite", "data-testid": "practice-phase" });
  private readonly result = h("section", { class: "panel", "aria-live": "polite" });
  private readonly leaders = h("ol", { class: "leaders" });
  private readonly spoken = new CountdownWords([10, 5], (left) => `The room opens in ${left}.`);
  private offsetMs = 0; // of the server's clock; the room's own answers set it
  private mine: Result | null = null;
  private trying = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly scope: Scope,
    private room: Room,
  ) {
    this.map = new SeatMap({ layout: layoutOf(room), grades: ["P"], choose: (seat) => void this.confirm(seat.id) });
  }

  open(): void {
    fill(
      this.root,
      h("header", { class: "event-head" },
        h("div", {}, h("h1", {}, this.room.title),
          h("p", { class: "soft" }, `Practice room · ${count(this.room.bots)} bots · opens every ${this.room.periodMs / 1000} s for ${this.room.openMs / 1000} s`))),
      h("div", { class: "hall" },
        this.map.element,
        h("div", { class: "stack" },
          h("section", { class: "panel practice" }, this.phase, this.digits, this.spoken.element),
          this.result,
          h("section", { class: "panel" }, h("h2", {}, "Fastest people"), this.leaders)),
      ),
    );
    this.take(this.room, 0);
    this.tellResult();
    void this.follow();
    void this.readLeaders();
    this.scope.every(50, () => this.tick());
    this.scope.every(5000, () => void this.readLeaders());
  }

  private now(): number {
    return Date.now() + this.offsetMs;
  }
  private get sinceStart(): number {
    return this.now() % this.room.periodMs;
  }
  private get isOpen(): boolean {
    return this.sinceStart < this.room.openMs;
  }

  private take(room: Room, roundTripMs: number): void {
    this.offsetMs = room.serverNowMs + roundTripMs / 2 - Date.now();
    const fresh = room.cycleId !== this.room.cycleId;
    this.room = room;
    const states = statesOf(room.bits, room.rows * room.cols);
    if (fresh || (this.mine && this.mine.cycleId !== room.cycleId)) {
      this.map.choose([]);
      this.mine = this.mine?.cycleId === room.cycleId ? this.mine : null;
    }
    const changed: number[] = [];
    const known = this.states.length > 0;
    if (!fresh && known) for (const [seat, state] of states.entries()) if (state !== this.states[seat]) changed.push(seat);
    this.states = states;
    this.map.show(states, changed);
  }
  private states: Uint8Array = new Uint8Array(0);

  private async follow(): Promise<void> {
    while (!this.scope.over) {
      const sent = Date.now();
      try {
        const room = await call<Room>("GET", `/api/practice/${this.room.roomId}`, { signal: this.scope.signal });
        this.take(room, Date.now() - sent);
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return signIn(location.hash);
      }
      const untilOpen = this.room.periodMs - this.sinceStart;
      await this.scope.sleep(this.isOpen ? openPollMs : Math.min(idlePollMs, untilOpen + 30));
    }
  }

  private tick(): void {
    const at = this.sinceStart;
    const open = at < this.room.openMs;
    const left = open ? this.room.openMs - at : this.room.periodMs - at;
    const digits = open || left < readyMs ? (left / 1000).toFixed(1) : String(Math.ceil(left / 1000));
    if (this.digits.textContent !== digits) this.digits.textContent = digits;
    this.digits.classList.toggle("go", open);
    if (!open) this.spoken.tick(left);
    const phase = open ? "Open: take a seat!" : "Opens in";
    if (this.phase.textContent !== phase) this.phase.textContent = phase;
  }

  private async confirm(seat: number): Promise<void> {
    if (this.trying) return;
    this.trying = true;
    try {
      const result = await call<Result>("POST", `/api/practice/${this.room.roomId}/confirm`, { body: { seatId: seat } });
      this.mine = result;
      this.best = Math.min(this.best, result.durationMs);
      this.map.choose([seat]);
      this.tellResult(result);
      void this.readLeaders();
    } catch (error) {
      this.refused(error, seat);
    } finally {
      this.trying = false;
    }
  }
  private best = Infinity;

  private refused(error: unknown, seat: number): void {
    if (!(error instanceof Problem)) return toast(problemText(error), "bad");
    if (error.status === 401) return signIn(location.hash);
    if (error.status === 425) return toast("The room is closed. It opens at the next start.", "bad");
    if (error.code === "QUOTA_EXCEEDED") return toast("You have a seat in this round already.", "bad");
    if (error.status === 409) {
      this.states[seat] = 2;
      this.map.show(this.states, [seat]);
      return toast("Somebody was faster. Take another seat.", "bad");
    }
    toast(problemText(error), "bad");
  }

  private tellResult(result?: Result): void {
    if (!result) {
      fill(this.result, h("h2", {}, "Your turn"), h("p", { class: "soft" }, "When the room opens, choose a free seat. The first one to choose it has it."));
      return;
    }
    fill(
      this.result,
      h("h2", {}, "You made it"),
      h("p", { class: "rank", "data-testid": "practice-rank" }, "top ", h("b", {}, `${result.topPercent.toFixed(2)} %`)),
      h("p", {}, `${seconds(result.durationMs)} after the start, of ${count(result.total)} ${result.total === 1 ? "try" : "tries"} by people so far.`),
      this.best < result.durationMs && h("p", { class: "soft" }, `Your best here: ${seconds(this.best)}.`),
    );
  }

  private async readLeaders(): Promise<void> {
    try {
      const told = await call<{ leaders: Leader[] }>("GET", `/api/practice/${this.room.roomId}/leaderboard?n=8`, { signal: this.scope.signal });
      const rows = told.leaders.map((one) =>
        h("li", { class: one.userId === session.user ? "me" : "" }, h("span", {}, one.userId === session.user ? "you" : `fan ${one.userId}`), h("span", {}, seconds(one.durationMs))));
      fill(this.leaders, ...(rows.length > 0 ? rows : [h("li", { class: "soft none" }, "nobody yet")]));
    } catch {
      // The list is an extra; the room goes on without it.
    }
  }
}
