// A person practises against bots: waits for the start, takes a seat that is still free, gets a rank, and
// is refused a second seat of the same round.
import { expect, story } from "./browser.mjs";

await story(async (crowd, world) => {
  const page = await crowd.person(0);
  await page.click("nav >> text=Games");
  await page.click(".card:has-text('Rush hour')");
  // From the beginning of a round, so that the whole window is there.
  await page.waitForSelector("[data-testid=practice-phase]:has-text('Opens in')");
  await page.waitForSelector("[data-testid=practice-phase]:has-text('Open:')");
  await page.focus("[data-testid=map]");
  for (let tries = 0; tries < 100; ++tries) {
    await page.keyboard.press("Enter");
    const seated = await page.waitForSelector("[data-testid=practice-rank]", { timeout: 500 }).catch(() => null);
    if (seated) break;
    await page.keyboard.press("ArrowRight");
  }
  const rank = await page.textContent("[data-testid=practice-rank]");
  expect(/^top (100|[0-9]{1,2})\.[0-9]{2} %$/.test(rank), `the rank is ${rank}`);
  await page.waitForSelector(".leaders li.me:has-text('you')");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".toast.bad");
  // The bots took seats of this round or take some of the next.
  await page.waitForFunction(() => document.querySelector("[data-testid=practice-phase]").textContent === "Opens in");
});
