// A place in the waiting room: entered over HTTP, told over a WebSocket, kept through every drop. The
// place is the server's; a new connection only finds it again.
import { address, call, Problem } from "./api";
import type { Pass } from "./booking";
import type { Scope } from "./scope";
import { session } from "./session";

export interface Place {
  position: number;
  total: number;
  etaMs: number;
}

export interface QueueListener {
  place(place: Place): void;
  admitted(pass: Pass): void;
  connection(up: boolean): void;
  /** Nothing more comes by itself. */
  over(reason: "ghosted" | "replaced" | "sale over" | "signed out" | "refused", error?: unknown): void;
  soldOut(): void;
}

type Entered = ({ state: "WAITING"; queueToken: string } & Place) | ({ state: "ADMITTED" } & Pass);

const heartbeatMs = 5000;
const backMaxMs = 3000; // spread, so that a restarted server is not met by everybody at once

const closeCodes: Record<number, "replaced" | "sale over" | "signed out" | "refused"> = {
  4401: "signed out",
  4404: "refused",
  4409: "replaced",
  4410: "sale over",
};

export class QueueLink {
  private socket: WebSocket | null = null;
  private done = false;

  constructor(
    private readonly event: number,
    private readonly scope: Scope,
    private readonly listener: QueueListener,
  ) {
    scope.onEnd(() => this.finish());
  }

  async run(): Promise<void> {
    while (!this.done) {
      try {
        await this.enter();
        if (this.done) return;
        await this.listen();
      } catch (error) {
        if (this.done) return;
        const transient = error instanceof Problem && (error.status === 0 || error.status >= 500 || error.status === 429);
        if (!transient) return this.end("refused", error);
      }
      this.listener.connection(false);
      await this.scope.sleep(200 + Math.random() * backMaxMs);
    }
  }

  private get tokenKey(): string {
    return `boxoffice.queue.${this.event}`;
  }

  private finish(): void {
    this.done = true;
    this.socket?.close();
  }

  private end(...reason: Parameters<QueueListener["over"]>): void {
    if (this.done) return;
    this.finish();
    this.listener.over(...reason);
  }

  private admit(pass: Pass): void {
    if (this.done) return;
    sessionStorage.removeItem(this.tokenKey);
    this.finish();
    this.listener.admitted(pass);
  }

  // Entering again keeps the place; the token brings it back even after the server lost it.
  private async enter(): Promise<void> {
    const queueToken = sessionStorage.getItem(this.tokenKey);
    const told = await call<Entered>("POST", `/api/events/${this.event}/queue`, {
      body: queueToken ? { queueToken } : {},
      signal: this.scope.signal,
    });
    if (told.state === "ADMITTED") return this.admit(told);
    sessionStorage.setItem(this.tokenKey, told.queueToken);
    this.listener.place(told);
  }

  private listen(): Promise<void> {
    return new Promise((resolve) => {
      const url = address("/ws/queue");
      url.protocol = url.protocol.replace("http", "ws");
      url.searchParams.set("event", String(this.event));
      url.searchParams.set("access_token", session.accessToken);
      const socket = new WebSocket(url, "tk.queue.v1");
      this.socket = socket;
      const beat = setInterval(() => {
        if (socket.readyState === WebSocket.OPEN) socket.send('{"t":"hb"}');
      }, heartbeatMs);
      socket.onopen = () => this.listener.connection(true);
      socket.onmessage = (message) => this.heard(String(message.data));
      socket.onclose = (close) => {
        clearInterval(beat);
        const reason = closeCodes[close.code];
        if (reason) this.end(reason);
        resolve();
      };
    });
  }

  private heard(text: string): void {
    const told = JSON.parse(text) as { t: string; state?: string } & Place & Pass;
    if (told.t === "pos") this.listener.place(told);
    else if (told.t === "admitted") this.admit({ entryToken: told.entryToken, expiresAt: told.expiresAt });
    else if (told.t === "ghosted") this.end("ghosted");
    else if (told.t === "event" && told.state === "SOLD_OUT") this.listener.soldOut();
  }

  /** A drop as the network makes it; the way back is the same. */
  drop(): void {
    this.socket?.close();
  }
}
