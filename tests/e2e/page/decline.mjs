// A declined card: plain words, and the seats are free again.
import { enterHall, story } from "./browser.mjs";

await story(async (crowd, world) => {
  const page = await crowd.person(0);
  await enterHall(page, world.event);
  await page.click("[data-testid=best]");
  await page.click("[data-testid=hold]");
  await page.click("[data-testid=pay]");
  await page.waitForSelector("[data-testid=order-CANCELLED]:has-text('declined')");
  await page.click("[data-testid=again]");
  await page.waitForFunction(() => document.querySelector("[data-testid=counts]")?.textContent.startsWith("40 free"));
});
