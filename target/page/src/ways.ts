// Ways between the screens.

export function go(hash: string): void {
  location.hash = hash;
}

const wantedKey = "boxoffice.wanted";

/** Where somebody goes who has signed in. */
export function wantAfterSignIn(hash: string): void {
  sessionStorage.setItem(wantedKey, hash);
}

/** To the door, and back to `hash` afterwards. */
export function signIn(hash: string): void {
  wantAfterSignIn(hash);
  go("#/sign-in");
}

export function takeWanted(): string {
  const hash = sessionStorage.getItem(wantedKey) ?? "#/";
  sessionStorage.removeItem(wantedKey);
  return hash;
}
