// Somebody's own data: to see, and to change what the server lets change; and the way out.
import { call, Problem } from "../api";
import { fill, focusOn, h, toast, type Attributes } from "../dom";
import type { Scope } from "../scope";
import { session } from "../session";
import { when } from "../text";
import { signIn } from "../ways";
import { failure, problemText } from "./failure";

interface Account {
  userId: string;
  login: string;
  nickname: string;
  email: string | null;
  birthDate: string | null;
  role: "USER" | "COMPANY" | "ADMIN";
  createdAt: string;
}

type Field = "nickname" | "email" | "birthDate";
const nicknameMax = 20;
const roleNames = { USER: "", COMPANY: "Organiser", ADMIN: "Operator" };

export async function accountScreen(root: HTMLElement, scope: Scope, signOut: () => void): Promise<void> {
  if (!session.signedIn) return signIn("#/account");
  fill(root, h("h1", {}, "My account"), h("p", { class: "soft", role: "status" }, "Loading…"));
  try {
    const account = await call<Account>("GET", "/api/users/me", { signal: scope.signal });
    if (!scope.over) show(root, scope, account, signOut);
  } catch (error) {
    if (scope.over) return;
    if (error instanceof Problem && error.status === 401) return signIn("#/account");
    fill(root, failure(error, () => void accountScreen(root, scope, signOut)),
      h("p", { class: "row centred" }, h("button", { type: "button", class: "quiet", onclick: signOut }, "Sign out")));
  }
}

function fact(name: string, value: string): HTMLElement | null {
  return value ? h("div", {}, h("dt", { class: "soft" }, name), h("dd", {}, value)) : null;
}

function field(label: string, name: Field, value: string, more: Attributes): HTMLElement {
  return h("label", { class: "field" }, h("span", {}, label), h("input", { name, value, ...more }));
}

/** Only what is another value now; what was emptied is taken away. */
function changes(account: Account, data: FormData): Partial<Record<Field, string | null>> {
  const changed: Partial<Record<Field, string | null>> = {};
  for (const name of ["nickname", "email", "birthDate"] as const) {
    const value = String(data.get(name) ?? "").trim();
    if (value !== (account[name] ?? "")) changed[name] = value === "" ? null : value;
  }
  return changed;
}

function show(root: HTMLElement, scope: Scope, account: Account, signOut: () => void): void {
  const told = h("p", { class: "bad-text", role: "alert" });
  const button = h("button", { class: "big", "data-testid": "save" }, "Save");
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    told.textContent = "";
    const body = changes(account, new FormData(event.target as HTMLFormElement));
    if (Object.keys(body).length === 0) return toast("Nothing has changed.");
    button.disabled = true;
    try {
      const after = await call<Account>("PUT", "/api/users/me", { body, signal: scope.signal });
      show(root, scope, after, signOut);
      toast("Saved.", "good");
      focusOn(root.querySelector("h1"));
    } catch (error) {
      if (scope.over) return;
      if (error instanceof Problem && error.status === 401) return signIn("#/account");
      told.textContent = problemText(error);
    } finally {
      button.disabled = false;
    }
  };
  const today = new Date().toISOString().slice(0, 10);
  fill(
    root,
    h("h1", {}, "My account"),
    h("div", { class: "forms" },
      h("section", { class: "panel" },
        h("h2", {}, account.nickname),
        h("dl", { class: "facts", "data-testid": "facts" },
          fact("Login", account.login), fact("Role", roleNames[account.role]), fact("Member since", when(account.createdAt))),
        h("p", { class: "row" },
          h("a", { class: "button quiet", href: "#/orders" }, "My orders"),
          h("button", { type: "button", class: "quiet", "data-testid": "sign-out", onclick: signOut }, "Sign out"))),
      h("form", { class: "panel", onsubmit: (event: SubmitEvent) => void save(event) },
        h("h2", {}, "Change my data"),
        field("Name, as others see it", "nickname", account.nickname, { required: true, maxlength: nicknameMax, autocomplete: "nickname" }),
        field("E-mail (may be empty)", "email", account.email ?? "", { type: "email", maxlength: 254, autocomplete: "email" }),
        field("Date of birth (may be empty)", "birthDate", account.birthDate ?? "", { type: "date", max: today, autocomplete: "bday" }),
        told, button)),
  );
}
