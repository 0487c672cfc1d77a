// The page: which screen the address asks for, and the frame around it.
import { forgetCheckouts } from "./booking";
import { setClock } from "./clock";
import { call } from "./api";
import { fill, h } from "./dom";
import { Scope } from "./scope";
import { session } from "./session";
import { accountScreen } from "./screens/account";
import { auctionScreen } from "./screens/auction";
import { checkoutScreen } from "./screens/checkout";
import { eventScreen } from "./screens/event";
import { eventsScreen } from "./screens/events";
import { gamesScreen } from "./screens/games";
import { ordersScreen } from "./screens/order";
import { practiceScreen } from "./screens/practice";
import { signInScreen } from "./screens/sign_in";
import { go, wantAfterSignIn } from "./ways";

type Screen = (root: HTMLElement, scope: Scope, part: string) => unknown;

const screens: [RegExp, string, Screen][] = [
  [/^#\/events\/(\d+)$/, "Choose seats", (root, scope, id) => eventScreen(root, scope, Number(id))],
  [/^#\/checkout\/([0-9a-f]{32})$/, "Checkout", (root, scope, id) => checkoutScreen(root, scope, id)],
  [/^#\/practice\/(\d+)$/, "Practice", (root, scope, id) => practiceScreen(root, scope, id)],
  [/^#\/auctions\/(\d+)$/, "Auction", (root, scope, id) => auctionScreen(root, scope, id)],
  [/^#\/games$/, "Practice and auctions", (root, scope) => gamesScreen(root, scope)],
  [/^#\/account$/, "My account", (root, scope) => accountScreen(root, scope, () => void signOut())],
  [/^#\/orders$/, "My orders", (root, scope) => ordersScreen(root, scope)],
  [/^#\/sign-in$/, "Sign in", (root) => signInScreen(root)],
];

const signInHash = "#/sign-in";
let scope = new Scope();

function show(): void {
  scope.end();
  scope = new Scope();
  const main = document.getElementById("main");
  if (!main) return;
  const root = h("div", { class: "screen" });
  fill(main, root);
  const hash = location.hash || "#/";
  const found = screens.find(([pattern]) => pattern.test(hash));
  const part = found?.[0].exec(hash)?.[1] ?? "";
  document.title = `${found?.[1] ?? "What is on"} · boxoffice`;
  if (found) void found[2](root, scope, part);
  else eventsScreen(root, scope);
  nav(hash);
  scrollTo(0, 0);
}

async function signOut(): Promise<void> {
  const refreshToken = session.refreshToken;
  if (refreshToken) await call("POST", "/api/auth/logout", { body: { refreshToken } }).catch(() => undefined);
  session.clear();
  forgetCheckouts();
  sessionStorage.clear();
  go("#/");
}

function nav(hash: string): void {
  const link = (href: string, text: string) =>
    h("a", { href, "aria-current": hash === href ? "page" : null }, text);
  const place = document.getElementById("nav");
  if (!place) return;
  // Whoever signs in from here comes back here.
  const door = () => {
    if (hash !== signInHash) wantAfterSignIn(hash);
  };
  fill(
    place,
    link("#/", "Events"),
    session.signedIn && link("#/games", "Games"),
    session.signedIn && link("#/orders", "My orders"),
    session.signedIn && link("#/account", "Account"),
    !session.signedIn &&
      h("a", { href: signInHash, "aria-current": hash === signInHash ? "page" : null, onclick: door }, "Sign in"),
  );
}

addEventListener("hashchange", () => {
  show();
  document.getElementById("main")?.focus({ preventScroll: true });
});
session.addEventListener("change", () => nav(location.hash || "#/"));
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main")?.focus();
});
void setClock().catch(() => undefined);
show();
