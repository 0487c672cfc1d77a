// The door: an account, or an access token that the operator of a load run made.
import { call, Problem } from "../api";
import { fill, h, type Attributes } from "../dom";
import { isToken, session } from "../session";
import { go, takeWanted } from "../ways";
import { problemText } from "./failure";

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

function field(label: string, name: string, more: Attributes = {}): HTMLElement {
  return h("label", { class: "field" }, h("span", {}, label), h("input", { name, required: true, ...more }));
}

function enter(tokens: Tokens): void {
  session.open(tokens.accessToken, tokens.refreshToken);
  go(takeWanted());
}

function form(
  title: string, action: string, fields: HTMLElement[], submit: (data: FormData) => Promise<void>,
): HTMLElement {
  const told = h("p", { class: "bad-text", role: "alert" });
  const button = h("button", { class: "big" }, action);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    told.textContent = "";
    button.disabled = true;
    try {
      await submit(new FormData(event.target as HTMLFormElement));
    } catch (error) {
      const noAccounts = error instanceof Problem && error.status === 404;
      told.textContent = noAccounts ? "This server has no accounts; use an access token." : problemText(error);
    } finally {
      button.disabled = false;
    }
  };
  return h("form", { class: "panel", onsubmit: send }, h("h2", {}, title), ...fields, told, button);
}

const text = (data: FormData, name: string) => String(data.get(name) ?? "").trim();

function logIn(login: string, password: string): Promise<Tokens> {
  return call("POST", "/api/auth/login", { body: { login, password }, anonymous: true });
}

export function signInScreen(root: HTMLElement): void {
  if (session.signedIn) return go("#/account");
  const password = (autocomplete: string) =>
    field(autocomplete === "new-password" ? "Password, at least 8 characters" : "Password", "password", { type: "password", autocomplete, minlength: 8 });
  const login = () => field("Login", "login", { autocomplete: "username" });
  fill(
    root,
    h("h1", {}, "Sign in"),
    h("div", { class: "forms" },
      form("Log in", "Log in", [login(), password("current-password")], async (data) =>
        enter(await logIn(text(data, "login"), String(data.get("password"))))),
      form("New here", "Sign up",
        [login(), field("Name", "nickname", { autocomplete: "nickname" }), password("new-password")],
        async (data) => {
          const body = {
            login: text(data, "login"),
            nickname: text(data, "nickname"),
            password: String(data.get("password")),
          };
          await call("POST", "/api/auth/signup", { body, anonymous: true });
          enter(await logIn(body.login, body.password));
        }),
      h("details", { class: "panel" },
        h("summary", {}, "With an access token"),
        form("Access token", "Use the token",
          [field("Token", "token", { autocomplete: "off", spellcheck: "false" })],
          async (data) => {
            const token = text(data, "token");
            if (!isToken(token)) throw new Problem(422, "NO_TOKEN", "This is no access token.");
            enter({ accessToken: token, refreshToken: "" });
          })),
    ),
  );
}
