// Somebody with a keyboard alone, at the width of a phone: chooses a seat, is sent to the door, signs up, finds
// the seat still chosen, books it, finds the ticket, changes their own data, and leaves.
import { enterHall, expect, phone, story } from "./browser.mjs";

async function tabTo(page, wanted) {
  for (let i = 0; i < 80; ++i) {
    await page.keyboard.press("Tab");
    const here = await page.evaluate(() => {
      const at = document.activeElement;
      const form = at.closest("form")?.querySelector("h2")?.textContent ?? "";
      return `${form}|${at.name ?? ""}|${at.getAttribute("aria-label") ?? ""}|${at.dataset.testid ?? ""}|${at.textContent}`;
    });
    if (wanted.test(here)) return;
  }
  throw new Error(`the keyboard does not come to ${wanted}`);
}
const focused = (page) => page.evaluate(() => document.activeElement.dataset.testid ?? document.activeElement.tagName);

async function replaceText(page, text) {
  await page.keyboard.press("Control+A");
  if (text) await page.keyboard.type(text);
  else await page.keyboard.press("Delete");
}

await story(async (crowd, world) => {
  const page = await crowd.person(undefined, { viewport: phone.viewport });
  const { keyboard } = page;
  await page.waitForSelector(".card");
  await tabTo(page, new RegExp(`[|]event-${world.event}[|]`));
  await keyboard.press("Enter");
  await page.waitForSelector("[data-testid=map][data-cell]");
  await page.waitForFunction(() => document.querySelector("[data-testid=counts]")?.textContent.startsWith("40 free"));
  await tabTo(page, /^\|\|Seat map/);
  for (const key of ["ArrowRight", "ArrowRight", "ArrowDown", "Enter"]) await keyboard.press(key);
  await page.waitForSelector("[data-testid=hold]:has-text('Hold 1 seat')");
  const seat = await page.textContent(".basket-seats .line span");
  await tabTo(page, /\|hold\|/);
  await keyboard.press("Enter");
  await page.waitForSelector("h1:has-text('Sign in')");
  await tabTo(page, /^New here\|login/);
  await keyboard.type("night.owl");
  await keyboard.press("Tab");
  await keyboard.type("Owl");
  await keyboard.press("Tab");
  await keyboard.type("a long enough password");
  await keyboard.press("Enter");

  // Back where they were, with what they had chosen.
  await page.waitForSelector("[data-testid=hold]:has-text('Hold 1 seat')");
  expect((await page.textContent(".basket-seats .line span")) === seat, "another seat is chosen");
  expect((await focused(page)) === "hold", `the keyboard is at ${await focused(page)}`);
  await keyboard.press("Enter");
  await page.waitForSelector("[data-testid=countdown]");
  await tabTo(page, /\|method\|/);
  await keyboard.press("ArrowDown"); // a transfer instead of the card
  await tabTo(page, /\|pay\|/);
  await page.reload(); // how they pay survives it
  await page.waitForSelector("input[value=TRANSFER]:checked");
  await tabTo(page, /\|pay\|/);
  await keyboard.press("Enter");
  await page.waitForSelector("[data-testid=order-CONFIRMED]");
  expect((await focused(page)) === "H1", `after the payment the keyboard is at ${await focused(page)}`);
  await tabTo(page, /My orders$/);
  await keyboard.press("Enter");
  await page.waitForSelector("[data-testid=tickets] .ticket");

  await tabTo(page, /Account$/);
  await keyboard.press("Enter");
  await page.waitForSelector("[data-testid=facts]:has-text('night.owl')");
  await tabTo(page, /\|nickname\|/);
  await replaceText(page, "Night Owl");
  await keyboard.press("Tab");
  await keyboard.type("owl@example.org");
  await tabTo(page, /\|save\|/);
  await keyboard.press("Enter");
  await page.waitForSelector(".toast.good:has-text('Saved')");
  await page.reload();
  await page.waitForSelector("h2:has-text('Night Owl')");
  expect((await page.inputValue("[name=email]")) === "owl@example.org", "the e-mail is lost");
  // The server's word about what is no address; then it is taken away again.
  await page.fill("[name=email]", "owl@nowhere@else");
  await page.evaluate(() => { document.querySelector("[name=email]").type = "text"; });
  await tabTo(page, /\|save\|/);
  await keyboard.press("Enter");
  await page.waitForSelector("form .bad-text:not(:empty)");
  await page.focus("[name=email]");
  await replaceText(page, "");
  await tabTo(page, /\|save\|/);
  await keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("[name=email]").value === "" && document.activeElement.tagName === "H1");
  await tabTo(page, /\|sign-out\|/);
  await keyboard.press("Enter");
  await page.waitForSelector("nav >> text=Sign in");

  // Who goes to the door from a hall comes back to it.
  await enterHall(page, world.event);
  await tabTo(page, /Sign in$/);
  await keyboard.press("Enter");
  await tabTo(page, /^Log in\|login/);
  await keyboard.type("night.owl");
  await keyboard.press("Tab");
  await keyboard.type("a long enough password");
  await keyboard.press("Enter");
  await page.waitForSelector("[data-testid=map][data-cell]");
});
