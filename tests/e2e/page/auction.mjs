// Three people, two slots: the first one is pushed out and told so, the highest bidder takes the slot and
// pays for it.
import { expect, story } from "./browser.mjs";

await story(async (crowd, world) => {
  const people = [await crowd.person(0), await crowd.person(1), await crowd.person(2)];
  for (const page of people) {
    await page.click("nav >> text=Games");
    await page.click(".card:has-text('Front row')");
    await page.waitForSelector(".link.live");
  }
  for (const [i, page] of people.entries()) {
    await page.fill("[name=amount]", String(50000 + 1000 * i));
    await page.click("[data-testid=bid]");
    await page.waitForSelector("[data-testid=standing]:has-text('2 bids left')");
  }
  const [out, , top] = people;
  await out.waitForSelector(".toast.bad:has-text('outbid')");
  await out.waitForSelector("[data-testid=standing]:has-text('outside')");
  await out.waitForFunction(() => document.querySelector("[data-testid=cutoff]").textContent.includes("51,000"));
  await top.waitForSelector("[data-testid=accept]", { timeout: 90000 }); // after the close
  await top.click("[data-testid=accept]");
  await top.click("[data-testid=pay]");
  await top.waitForSelector("[data-testid=order-CONFIRMED]");
  expect((await out.locator("[data-testid=accept]").count()) === 0, "the loser was offered a slot");
});
