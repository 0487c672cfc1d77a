// While bots fill the big hall of the same server before a person's eyes, that person books elsewhere.
import { enterHall, expect, story } from "./browser.mjs";

const counts = (page) => page.textContent("[data-testid=counts]");

await story(async (crowd, world) => {
  const page = await crowd.person(0);
  const big = page.locator(".card", { hasText: `of ${world.bigHall} seats` }).last();
  await big.waitFor(); // the load's own hall
  await big.click();
  await page.waitForSelector("[data-testid=map][data-cell]");
  await page.waitForFunction(() => {
    const [, held, sold] = [...document.querySelectorAll("[data-testid=counts] b")].map((b) => Number(b.textContent.replace(/\D/g, "")));
    return held > 5 && sold > 0;
  });
  const before = await counts(page);
  await page.waitForFunction((text) => document.querySelector("[data-testid=counts]").textContent !== text, before);

  await enterHall(page, world.event);
  await page.click("[data-testid=best]");
  await page.click("[data-testid=hold]");
  await page.click("[data-testid=pay]");
  await page.waitForSelector("[data-testid=order-CONFIRMED]");
  expect((await page.locator(".ticket").count()) === 1, "not one ticket");

  await page.goto(`${world.url}/#/`);
  await big.click();
  await page.waitForSelector("[data-testid=map][data-cell]");
  const then = await counts(page);
  await page.waitForFunction((text) => document.querySelector("[data-testid=counts]").textContent !== text, then);
});
