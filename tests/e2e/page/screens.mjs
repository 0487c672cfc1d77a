// Every screen at the width of a phone, in light and in dark, and once at a desk: named, readable, within
// reach of a finger and of the keyboard. With STAMPEDE_SHOTS=folder each is photographed, too.
import { enterHall, phone, story } from "./browser.mjs";
import { judge } from "./looks.mjs";

const shots = process.env.STAMPEDE_SHOTS;
const wait = (selector) => (page) => page.waitForSelector(selector);

await story(async (crowd, world) => {
  const visit = async (options, n, mode) => {
    const person = await crowd.person(n, options);
    const look = async (page, screen) => {
      if (shots) await page.screenshot({ path: `${shots}/${mode}-${screen}.png` });
      await judge(page, `${screen}, ${mode}`);
    };
    const go = async (screen, hash, ready) => {
      await person.goto(`${world.url}/#/${hash}`);
      await ready(person);
      await look(person, screen);
    };
    await go("events", "", wait(".card"));
    await enterHall(person, world.event);
    await person.click("[data-testid=best]");
    await look(person, "hall");
    await person.click("[data-testid=hold]");
    await person.waitForSelector("[data-testid=countdown]");
    await look(person, "checkout");
    await person.click("[data-testid=pay]");
    await person.waitForSelector("[data-testid=order-CONFIRMED]");
    await look(person, "order");
    await go("orders", "orders", wait(".ticket"));
    await go("account", "account", wait("[data-testid=facts]"));
    await go("games", "games", wait(".card:has-text('Rush hour')"));
    await go("practice", "practice/1", wait("[data-testid=practice-clock]"));
    await go("auction", "auctions/1", wait("[data-testid=bid]"));
    await go("waiting", `events/${world.event + 1}`, wait("[data-testid=position]:not(:has-text('…'))"));
    await go("missing", "events/999999", wait("[role=alert] h1"));
    await person.close();
    const stranger = await crowd.person(undefined, options);
    await stranger.click("nav >> text=Sign in");
    await look(stranger, "sign-in");
  };
  // The first one takes the only place behind the waiting room's door.
  const inside = await crowd.person(9);
  await inside.goto(`${world.url}/#/events/${world.event + 1}`);
  await inside.waitForSelector("[data-testid=map][data-cell]");
  await visit({ ...phone, colorScheme: "light" }, 0, "phone");
  await visit({ ...phone, colorScheme: "dark" }, 1, "phone in the dark");
  await visit({ colorScheme: "light" }, 2, "desk");
});
