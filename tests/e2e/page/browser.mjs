// A headless Chromium and the people who use it. Each test is a module that calls story(); it gets its
// world (where boxoffice listens, tokens, events) as JSON in the first argument.
import { chromium } from "playwright-core";

const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const patienceMs = 30000; // debug builds on busy machines

export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

export function expect(condition, text) {
  if (!condition) throw new Error(text);
}

class Crowd {
  people = [];
  complaints = [];
  constructor(browser, world) {
    this.browser = browser;
    this.world = world;
  }

  /** Somebody with the world's n-th token, on the event list; nobody in particular without n. */
  async person(n, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    context.setDefaultTimeout(patienceMs);
    const page = await context.newPage();
    this.people.push(page);
    page.on("pageerror", (error) => this.complaints.push(`script error: ${error.message}`));
    page.on("console", (message) => {
      // A refusal of the API is no fault of the page; a broken policy or a missing file is.
      const refusal = message.text().startsWith("Failed to load resource") && message.location().url.includes("/api/");
      if (message.type() === "error" && !refusal) this.complaints.push(`console: ${message.text()}`);
    });
    if (n !== undefined) {
      const stored = JSON.stringify({ access: this.world.tokens[n], refresh: "" });
      await page.addInitScript((text) => {
        if (!localStorage.getItem("boxoffice.session")) localStorage.setItem("boxoffice.session", text);
      }, stored);
    }
    await page.goto(`${this.world.url}/`);
    return page;
  }
}

/** Into the hall of an event, until its map is drawn and its states are known. */
export async function enterHall(page, event) {
  await page.goto(`${new URL(page.url()).origin}/#/events/${event}`);
  await page.waitForSelector("[data-testid=map][data-cell]");
  await page.waitForFunction(() => /free/.test(document.querySelector("[data-testid=counts]")?.textContent ?? ""));
}

/** The seat `steps` places right of the first one, by keyboard. */
export async function chooseSeat(page, steps) {
  await page.focus("[data-testid=map]");
  for (let i = 0; i < steps; ++i) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
}

export async function story(tell) {
  const world = JSON.parse(process.argv[2]);
  const browser = await chromium.launch({ executablePath: world.chromium, args: flags });
  const crowd = new Crowd(browser, world);
  try {
    await tell(crowd, world);
    if (crowd.complaints.length > 0) throw new Error(crowd.complaints.join("\n"));
  } catch (error) {
    console.error(String(error.stack ?? error));
    for (const [i, page] of crowd.people.entries()) {
      const text = await page.locator("body").innerText().catch(() => "(closed)");
      console.error(`---- person ${i} at ${page.url()} saw:\n${text}`);
    }
    for (const complaint of crowd.complaints) console.error(complaint);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
