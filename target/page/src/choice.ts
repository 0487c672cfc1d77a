// What somebody chose and has not got yet: neither a reload nor the way through the door may lose it.
// It lives as long as the tab; signing out forgets it.

const key = (what: string) => `boxoffice.choice.${what}`;

export function keepChoice(what: string, choice: unknown): void {
  sessionStorage.setItem(key(what), JSON.stringify(choice));
}

export function findChoice<T>(what: string): T | null {
  try {
    return JSON.parse(sessionStorage.getItem(key(what)) ?? "null") as T | null;
  } catch {
    return null;
  }
}

export function dropChoice(what: string): void {
  sessionStorage.removeItem(key(what));
}
