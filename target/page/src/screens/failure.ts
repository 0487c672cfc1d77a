// What went wrong, in words, and what to do about it.
import { Problem } from "../api";
import { h } from "../dom";

const advice: Record<string, string> = {
  UNREACHABLE: "Check your connection and try again.",
  OVERLOADED: "Very many people are here at once. Try again in a moment.",
  DEPENDENCY_DOWN: "A part of the box office is away for a moment. Nothing of yours is lost.",
  REBUILDING: "The seat map is being rebuilt. Try again in a moment.",
  NOT_FOUND: "It may have been removed.",
};

export function problemText(error: unknown): string {
  if (error instanceof Problem) return advice[error.code] ?? error.detail;
  return "Something went wrong on this page.";
}

export function failure(error: unknown, again?: () => unknown): HTMLElement {
  const title = error instanceof Problem ? error.message : "That did not work";
  return h(
    "section",
    { class: "panel narrow", role: "alert" },
    h("h1", {}, title),
    h("p", {}, problemText(error)),
    h(
      "p",
      { class: "row" },
      again && h("button", { type: "button", onclick: () => void again() }, "Try again"),
      h("a", { class: "button quiet", href: "#/" }, "All events"),
    ),
    error instanceof Problem && typeof error.body["traceId"] === "string"
      ? h("p", { class: "soft small" }, `Reference ${error.body["traceId"]}`)
      : null,
  );
}
