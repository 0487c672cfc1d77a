// Numbers and times as people read them.

const money = new Intl.NumberFormat(undefined, { style: "currency", currency: "KRW" });
const whole = new Intl.NumberFormat();
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const won = (amount: number): string => money.format(amount);
export const count = (number: number): string => whole.format(number);
export const when = (instant: string): string => day.format(new Date(instant));

/** 4:59; 1:02:03. Rounded up, so that 0:00 means over. */
export function clockText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (part: number) => String(part).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** "about 3 minutes" */
export function aboutText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 5) return "a few seconds";
  if (seconds < 90) return `about ${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `about ${minutes} minutes` : `about ${Math.round(minutes / 60)} hours`;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
