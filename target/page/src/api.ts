// The one way to the server: JSON over fetch, problems as exceptions, retries that cannot book twice.
import { session } from "./session";

/** RFC 9457 with the members that boxoffice adds. Status 0: the server was not reached. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }
  get detail(): string {
    return typeof this.body["detail"] === "string" ? this.body["detail"] : this.message;
  }
  get conflicts(): { seatId: number; state: string }[] {
    const list = this.body["conflicts"];
    return Array.isArray(list) ? (list as { seatId: number; state: string }[]) : [];
  }
  get retryAfterMs(): number {
    const wait = this.body["retryAfterMs"];
    return typeof wait === "number" ? wait : 0;
  }
}

export interface CallOptions {
  body?: unknown;
  key?: string; // Idempotency-Key; makes the call safe to repeat
  headers?: Record<string, string>;
  signal?: AbortSignal;
  anonymous?: boolean;
}

const base = new URL(".", document.baseURI);

export function address(path: string): URL {
  return new URL(path.replace(/^\//, ""), base);
}

function headersOf(options: CallOptions): Headers {
  const headers = new Headers(options.headers);
  headers.set("Accept", "application/json");
  const token = session.accessToken;
  if (token && !options.anonymous) headers.set("Authorization", `Bearer ${token}`);
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  if (options.key) headers.set("Idempotency-Key", options.key);
  return headers;
}

async function once(method: string, path: string, options: CallOptions): Promise<Response> {
  const init: RequestInit = { method, headers: headersOf(options), cache: "no-cache" };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  try {
    return await fetch(address(path), init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, "UNREACHABLE", "The server cannot be reached. Check your connection.");
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const code = typeof body["code"] === "string" ? body["code"] : `HTTP_${response.status}`;
  const title = typeof body["title"] === "string" ? body["title"] : response.statusText;
  return new Problem(response.status, code, title, body);
}

// Worth another try with the same key: nobody knows whether the first one counted, or it was shed.
function isTransient(problem: Problem): boolean {
  return (
    problem.status === 0 || problem.status === 503 || problem.status === 504 ||
    problem.code === "IN_PROGRESS" || problem.code === "RATE_LIMITED"
  );
}

const triesMax = 5;
const waitMaxMs = 5000;

/** Throws Problem; an abort of `options.signal` throws the AbortError of fetch. */
export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const repeatable = method === "GET" || options.key !== undefined;
  let refreshed = false;
  for (let attempt = 1; ; ++attempt) {
    let problem: Problem;
    try {
      const response = await once(method, path, options);
      if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
      problem = await problemOf(response);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
    }
    if (problem.status === 401 && !options.anonymous && !refreshed) {
      refreshed = true;
      if (await refresh()) continue;
      session.clear();
    }
    if (!repeatable || attempt === triesMax || !isTransient(problem)) throw problem;
    const wait = Math.max(problem.retryAfterMs, 200 * 2 ** attempt * (0.5 + Math.random()));
    await new Promise((resolve) => setTimeout(resolve, Math.min(wait, waitMaxMs)));
  }
}

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

async function refresh(): Promise<boolean> {
  const token = session.refreshToken;
  if (!token) return false;
  try {
    const tokens = await call<Tokens>("POST", "/api/auth/refresh", {
      body: { refreshToken: token },
      anonymous: true,
    });
    session.open(tokens.accessToken, tokens.refreshToken ?? token);
    return true;
  } catch {
    return false;
  }
}

/** 32 hex digits: a key of one intent, or a hold's id. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
