// Who uses this page. Tokens live in the browser's storage; nothing here can run injected scripts
// (Content-Security-Policy), and a sign-out removes them.

const storageKey = "boxoffice.session";

interface Stored {
  access: string;
  refresh: string;
}

function read(): Stored | null {
  try {
    return JSON.parse(localStorage.getItem(storageKey) ?? "null") as Stored | null;
  } catch {
    return null;
  }
}

function claims(token: string): Record<string, unknown> {
  try {
    const part = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(part)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

class Session extends EventTarget {
  private stored: Stored | null = read();

  get accessToken(): string {
    return this.stored?.access ?? "";
  }
  get refreshToken(): string {
    return this.stored?.refresh ?? "";
  }
  get signedIn(): boolean {
    return this.accessToken !== "";
  }
  /** The user's number; "" if nobody is signed in. */
  get user(): string {
    const subject = claims(this.accessToken)["sub"];
    return subject === undefined ? "" : String(subject);
  }
  open(access: string, refresh = ""): void {
    this.stored = { access, refresh };
    localStorage.setItem(storageKey, JSON.stringify(this.stored));
    this.dispatchEvent(new Event("change"));
  }
  clear(): void {
    this.stored = null;
    localStorage.removeItem(storageKey);
    this.dispatchEvent(new Event("change"));
  }
}

export const session = new Session();

export function isToken(text: string): boolean {
  return claims(text)["sub"] !== undefined;
}
