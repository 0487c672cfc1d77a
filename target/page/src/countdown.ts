// A countdown in words for those who do not see it run: told at a few marks, not every second.
import { h } from "./dom";
import { aboutText } from "./text";

export class CountdownWords {
  readonly element = h("p", { class: "unseen", role: "status", "data-testid": "countdown-words" });
  private told = Infinity; // the mark that was told last, in seconds

  /** `marks` in seconds, the greatest first; `words` gets "about 2 minutes", "30 seconds". */
  constructor(
    private readonly marks: number[],
    private readonly words: (left: string) => string,
  ) {}

  tick(leftMs: number): void {
    if (leftMs > (this.told + 1) * 1000) this.told = Infinity; // it was set anew
    let due = Infinity;
    for (const mark of this.marks) if (leftMs <= mark * 1000) due = mark;
    if (due >= this.told || leftMs <= 0) return;
    this.told = due;
    const seconds = Math.ceil(leftMs / 1000);
    this.element.textContent = this.words(seconds < 90 ? `${seconds} seconds` : aboutText(leftMs));
  }
}
