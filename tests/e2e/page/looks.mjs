// What every screen owes to everybody: it fits the width, what can be used has a name and is big enough
// for a finger, text can be told from its background, the keyboard reaches all and shows where it is.
// The limits are those of WCAG 2.2, level AA.
import { expect } from "./browser.mjs";

const usable = "a[href], button, input, select, textarea, summary, [tabindex='0']";

/** Runs in the page; gives the complaints. */
function lookAt(selector) {
  const complaints = [];
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const unseen = (element) => element.closest(".unseen, .skip") !== null;
  const colour = (text) => {
    const [r, g, b, a = 1] = (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const backgroundOf = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null; // a picture: nobody can say
      layers.push(colour(style.backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const luminance = ({ r, g, b }) => {
    const linear = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const describe = (element) => `<${element.tagName.toLowerCase()} class="${element.className}"> “${(element.textContent ?? "").slice(0, 40)}”`;

  const wider = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wider > 0) complaints.push(`${wider} px wider than the window`);
  const headings = [...document.querySelectorAll("h1")].filter(isShown);
  if (headings.length !== 1) complaints.push(`${headings.length} headings of the first level`);

  for (const element of document.querySelectorAll(selector)) {
    if (!isShown(element) || unseen(element)) continue;
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join(" ");
    const name = element.getAttribute("aria-label") || labels || element.textContent;
    if (!name?.trim()) complaints.push(`no name: ${describe(element)}`);
    const box = (element.closest("label") ?? element).getBoundingClientRect();
    if (box.width < 24 || box.height < 24) complaints.push(`${Math.round(box.width)} × ${Math.round(box.height)} px is small for a finger: ${describe(element)}`);
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(element) || !isShown(element) || unseen(element)) continue;
    seen.add(element);
    if (element.closest(":disabled, option, [aria-hidden=true]")) continue;
    const background = backgroundOf(element);
    if (!background) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(over(colour(style.color), background), background);
    if (ratio < (large ? 3 : 4.5)) complaints.push(`contrast ${ratio.toFixed(2)}: ${describe(element)}`);
  }
  return complaints;
}

/** Tab from the top of the page until it has gone round; gives what was never reached or showed no focus. */
async function walkByKeyboard(page) {
  await page.evaluate((selector) => {
    document.activeElement?.blur?.();
    scrollTo(0, 0);
    const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled && element.tabIndex >= 0;
    // Of a group of radio buttons the keyboard stops at one.
    const groups = new Set();
    window.toReach = new Set([...document.querySelectorAll(selector)].filter((element) => {
      if (!shown(element)) return false;
      if (element.type !== "radio") return true;
      const group = [...document.querySelectorAll(`input[name=${element.name}]`)];
      const stop = group.find((one) => one.checked) ?? group[0];
      if (element !== stop || groups.has(element.name)) return false;
      groups.add(element.name);
      return true;
    }));
    window.dim = [];
  }, usable);
  for (let i = 0; i < 120; ++i) {
    await page.keyboard.press("Tab");
    const left = await page.evaluate(() => {
      const at = document.activeElement;
      window.toReach.delete(at);
      const style = getComputedStyle(at);
      const shows = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      if (at !== document.body && at.id !== "main" && !shows) window.dim.push(at.outerHTML.slice(0, 80));
      return window.toReach.size;
    });
    if (left === 0) break;
  }
  return page.evaluate(() => [
    ...[...window.toReach].filter((element) => element.isConnected).map((element) => `the keyboard does not reach ${element.outerHTML.slice(0, 80)}`),
    ...new Set(window.dim.map((text) => `focus does not show on ${text}`)),
  ]);
}

export async function judge(page, screen) {
  const complaints = [...(await page.evaluate(lookAt, usable)), ...(await walkByKeyboard(page))];
  expect(complaints.length === 0, `${screen}:\n  ${complaints.join("\n  ")}`);
}
