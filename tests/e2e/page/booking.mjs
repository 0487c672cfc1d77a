// Books two seats as a person does, then one by keyboard alone at phone width. Between hold and payment
// the page is loaded anew.
import { chooseSeat, enterHall, expect, phone, story } from "./browser.mjs";

async function payAndSee(page, seats) {
  await page.waitForSelector("[data-testid=countdown]");
  await page.reload(); // the hold survives it
  const left = await page.textContent("[data-testid=countdown]");
  expect(/^[0-9]+:[0-5][0-9]$/.test(left) && left !== "0:00", `no time is left: ${left}`);
  await page.focus("[data-testid=pay]");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-testid=order-CONFIRMED]");
  expect((await page.locator(".ticket").count()) === seats, `not ${seats} tickets`);
}

await story(async (crowd, world) => {
  const visitor = await crowd.person(0);
  await visitor.click(`[data-testid=event-${world.event}]`);
  await visitor.waitForSelector("[data-testid=map][data-cell]");
  await visitor.selectOption(".best select", "2");
  await visitor.waitForFunction(() => document.querySelector("[data-testid=counts]").textContent.startsWith("40 free"));
  await visitor.click("[data-testid=best]");
  await visitor.click("[data-testid=hold]");
  await payAndSee(visitor, 2);

  const keyboard = await crowd.person(1, phone);
  await enterHall(keyboard, world.event);
  const wide = await keyboard.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide <= 0, `the page is ${wide} px wider than the phone`);
  await chooseSeat(keyboard, 0);
  await keyboard.focus("[data-testid=hold]");
  await keyboard.keyboard.press("Enter");
  await payAndSee(keyboard, 1);

  // The first one's map hears of the second one's ticket by itself.
  await enterHall(visitor, world.event);
  await visitor.waitForFunction(() => /37 free · 0 held · 3 sold/.test(document.querySelector("[data-testid=counts]").textContent));
  await visitor.click("text=My orders");
  await visitor.waitForSelector("text=your seats are booked");
});
