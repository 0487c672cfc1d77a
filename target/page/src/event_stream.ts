// Server-sent events over fetch. Unlike EventSource it can send a token, and it tells why it was
// refused; like it, it comes back with Last-Event-ID.
import { address, problemOf, type Problem } from "./api";
import { session } from "./session";
import type { Scope } from "./scope";

export interface StreamMessage {
  event: string;
  data: string;
}

export interface StreamListener {
  message(message: StreamMessage): void;
  connected?(up: boolean): void;
  /** The server said no; the stream does not come back. */
  refused(problem: Problem): void;
}

const backOffMaxMs = 10000;

export class EventStream {
  private lastId = "";
  private retryMs = 1000;

  constructor(
    private readonly path: string,
    private readonly scope: Scope,
    private readonly listener: StreamListener,
  ) {}

  async run(): Promise<void> {
    for (let failures = 0; !this.scope.over; ) {
      const outcome = await this.connect();
      if (outcome === "refused" || this.scope.over) return;
      this.listener.connected?.(false);
      failures = outcome === "ended" ? 0 : failures + 1;
      // Spread out, so that a restarted server is not met by everybody at once.
      const wait = Math.min(this.retryMs * 2 ** failures, backOffMaxMs) * (0.5 + Math.random());
      await this.scope.sleep(wait);
    }
  }

  private async connect(): Promise<"ended" | "failed" | "refused"> {
    const headers = new Headers({ Accept: "text/event-stream" });
    if (this.lastId) headers.set("Last-Event-ID", this.lastId);
    if (session.accessToken) headers.set("Authorization", `Bearer ${session.accessToken}`);
    try {
      const response = await fetch(address(this.path), {
        headers,
        cache: "no-store",
        signal: this.scope.signal,
      });
      if (response.status === 503 || response.status === 429) return "failed";
      if (!response.ok || !response.body) {
        this.listener.refused(await problemOf(response));
        return "refused";
      }
      this.listener.connected?.(true);
      await this.read(response.body);
      return "ended";
    } catch {
      return "failed";
    }
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let event = "";
    let data: string[] = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) this.listener.message({ event, data: data.join("\n") });
          event = "";
          data = [];
          continue;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") event = text;
        else if (field === "data") data.push(text);
        else if (field === "id") this.lastId = text;
        else if (field === "retry" && /^\d+$/.test(text)) this.retryMs = Number(text);
      }
    }
  }
}
