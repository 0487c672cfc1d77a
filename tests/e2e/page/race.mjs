// Two people want one seat in the same instant: one gets to the checkout, the other one is told who was
// faster, keeps the page, and books another seat.
import { chooseSeat, enterHall, expect, story } from "./browser.mjs";

await story(async (crowd, world) => {
  const rivals = [await crowd.person(0), await crowd.person(1)];
  for (const page of rivals) {
    await enterHall(page, world.event);
    await chooseSeat(page, 3);
    await page.waitForSelector("[data-testid=hold]:has-text('Hold 1 seat')");
  }
  await Promise.all(rivals.map((page) => page.click("[data-testid=hold]", { noWaitAfter: true })));
  const outcomes = await Promise.all(rivals.map(async (page) => {
    const won = page.waitForSelector("[data-testid=countdown]").then(() => "won");
    const lost = page.waitForSelector(".toast.bad:has-text('taken by somebody else')").then(() => "lost");
    won.catch(() => undefined);
    lost.catch(() => undefined);
    return Promise.race([won, lost]);
  }));
  expect([...outcomes].sort().join() === "lost,won", `outcomes: ${outcomes.join()}`);
  const loser = rivals[outcomes.indexOf("lost")];
  await loser.waitForFunction(() => /39 free · 1 held/.test(document.querySelector("[data-testid=counts]").textContent));
  await loser.click("[data-testid=best]");
  await loser.click("[data-testid=hold]");
  await loser.waitForSelector("[data-testid=countdown]");
});
