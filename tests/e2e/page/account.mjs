// Somebody new: wants seats, signs up on the way, books, and finds the ticket again in another browser.
import { enterHall, expect, story } from "./browser.mjs";

const login = "visitor";
const password = "a long enough password";

async function fillIn(page, title, fields) {
  const form = page.locator("form", { has: page.locator(`h2:has-text("${title}")`) });
  for (const [name, value] of Object.entries(fields)) await form.locator(`[name=${name}]`).fill(value);
  await form.locator("button").click();
}

await story(async (crowd, world) => {
  const page = await crowd.person();
  await enterHall(page, world.event);
  await page.click("[data-testid=best]");
  await page.click("[data-testid=hold]");
  await page.waitForSelector("h1:has-text('Sign in')");
  await fillIn(page, "New here", { login, nickname: "Visitor", password });
  // Back in the hall, signed in, with the seat that was chosen.
  await page.waitForSelector(".link.live"); // the seat stream
  await page.click("[data-testid=hold]:has-text('Hold 1 seat')");
  await page.click("[data-testid=pay]");
  await page.waitForSelector("[data-testid=order-CONFIRMED]");
  await page.click("nav >> text=Account");
  await page.waitForSelector("[data-testid=facts]:has-text('visitor')");
  await page.click("[data-testid=sign-out]");
  await page.waitForSelector("nav >> text=Sign in");

  const elsewhere = await crowd.person();
  await elsewhere.click("nav >> text=Sign in");
  await fillIn(elsewhere, "Log in", { login, password: "not the password" });
  await elsewhere.waitForSelector(".bad-text:not(:empty)");
  await fillIn(elsewhere, "Log in", { login, password });
  await elsewhere.click("nav >> text=My orders");
  await elsewhere.waitForSelector("[data-testid=tickets] .ticket");
  expect((await elsewhere.locator(".ticket").count()) === 1, "not one ticket");
});
