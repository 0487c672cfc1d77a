// The hall on a canvas: only what is in view is drawn, so 40,000 seats cost no more than 400. The
// canvas cannot be read by a screen reader; the seat under the cursor is told in words instead.
import { placeName, SeatState, type Layout, type Seat } from "./catalogue";
import { h } from "./dom";
import { won } from "./text";

export interface SeatMapOptions {
  layout: Layout;
  grades: string[]; // in the order of the colours
  choose(seat: Seat): void;
}

const gutter = 30; // of the row names
const stageHeight = 46;
const sectionGap = 22;
const cellMin = 3;
const cellMax = 44;
const cellTouch = 15; // below this a finger cannot choose
const flashMs = 900;

const stateWords = ["free", "held by somebody", "sold", "not for sale"];

interface Palette {
  grades: string[];
  held: string;
  sold: string;
  locked: string;
  mine: string;
  text: string;
  stage: string;
  flash: string;
}

export class SeatMap {
  readonly element: HTMLElement;
  readonly chosen = new Set<number>();

  private readonly canvas = h("canvas");
  private readonly spacer = h("div", { class: "map-spacer" });
  private readonly scroller: HTMLElement;
  private readonly words = h("p", { class: "map-words", "aria-live": "polite" });
  private readonly flashes = new Map<number, number>();
  private readonly sectionAt: number[]; // the gaps above each row
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  private states: Uint8Array;
  private palette: Palette | null = null;
  private cell = 0;
  private cursor = 0;
  private drawing = false;
  private readonly view: HTMLElement;

  constructor(private readonly options: SeatMapOptions) {
    const { layout } = options;
    this.states = new Uint8Array(layout.seats.length);
    this.sectionAt = [];
    let gaps = -1;
    for (let row = 0; row < layout.rows; ++row) {
      const now = layout.seats[row * layout.cols]?.section;
      const before = row > 0 ? layout.seats[(row - 1) * layout.cols]?.section : undefined;
      if (now !== before) ++gaps;
      this.sectionAt.push(Math.max(gaps, 0));
    }
    this.scroller = h(
      "div",
      {
        class: "map-scroll",
        tabindex: 0,
        role: "application",
        "aria-roledescription": "seat map",
        "aria-label": "Seat map. Arrow keys move, Enter chooses, plus and minus zoom.",
        "data-testid": "map",
        onkeydown: (event: KeyboardEvent) => this.key(event),
        onclick: (event: MouseEvent) => this.click(event),
        onpointermove: (event: PointerEvent) => this.hover(event),
        onscroll: () => this.draw(),
        onfocus: () => this.draw(),
        onblur: () => this.draw(),
      },
      this.spacer,
    );
    const button = (text: string, label: string, factor: number) =>
      h("button", { type: "button", class: "round", "aria-label": label, onclick: () => this.zoom(factor) }, text);
    this.view = h("div", { class: "map-view" }, this.canvas, this.scroller);
    this.element = h(
      "div",
      { class: "map" },
      this.view,
      h("div", { class: "map-foot" }, this.words, button("−", "Zoom out", 1 / 1.5), button("+", "Zoom in", 1.5)),
    );
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.palette = null;
      this.draw();
    });
  }

  show(states: Uint8Array, changed: number[] | null): void {
    this.states = states;
    if (changed && !this.calm.matches) {
      const now = performance.now();
      for (const seat of changed) this.flashes.set(seat, now);
    }
    this.draw();
  }

  choose(seats: Iterable<number>): void {
    this.chosen.clear();
    for (const seat of seats) this.chosen.add(seat);
    if (this.words.textContent) this.tell(this.cursor);
    this.draw();
  }

  redraw(): void {
    this.draw();
  }

  private get rows(): number {
    return this.options.layout.rows;
  }
  private get cols(): number {
    return this.options.layout.cols;
  }
  private get gap(): number {
    return this.cell >= 8 ? sectionGap : 4;
  }
  private rowTop(row: number): number {
    return stageHeight + row * this.cell + (this.sectionAt[row] ?? 0) * this.gap;
  }
  private fitCell(): number {
    const wide = (this.scroller.clientWidth - 2 * gutter) / this.cols;
    return Math.min(Math.max(wide, cellMin), 30);
  }

  private resize(): void {
    const first = this.cell === 0;
    if (first) this.cell = this.fitCell();
    const width = this.cols * this.cell + 2 * gutter;
    const height = this.rowTop(this.rows - 1) + this.cell + 14;
    this.spacer.style.width = `${Math.floor(width)}px`;
    this.spacer.style.height = `${Math.ceil(height)}px`;
    // A small hall needs no tall window; zooming changes the hall, not the window.
    if (first) this.view.style.height = `min(${Math.ceil(height)}px, var(--map-height))`;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const { clientWidth, clientHeight } = this.scroller;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.canvas.style.width = `${clientWidth}px`;
    this.canvas.style.height = `${clientHeight}px`;
    this.draw();
  }

  private zoom(factor: number, seat = this.cursor): void {
    const least = Math.min(this.fitCell(), cellMax);
    const old = this.cell;
    this.cell = Math.min(Math.max(this.cell * factor, least), cellMax);
    if (this.cell === old) return;
    this.resize();
    this.reveal(seat, true);
  }

  private get left(): number {
    const spare = this.scroller.clientWidth - (this.cols * this.cell + 2 * gutter);
    return gutter + Math.max(0, spare / 2);
  }

  private reveal(seat: number, centre = false): void {
    const x = this.left + (seat % this.cols) * this.cell;
    const y = this.rowTop(Math.floor(seat / this.cols));
    const { scroller, cell } = this;
    const { clientWidth: width, clientHeight: height } = scroller;
    if (centre || x < scroller.scrollLeft + gutter || x + cell > scroller.scrollLeft + width) {
      scroller.scrollLeft = x - width / 2;
    }
    if (centre || y < scroller.scrollTop || y + cell > scroller.scrollTop + height) {
      scroller.scrollTop = y - height / 2;
    }
  }

  private seatAt(event: MouseEvent): number | null {
    const box = this.scroller.getBoundingClientRect();
    const x = event.clientX - box.left + this.scroller.scrollLeft - this.left;
    const y = event.clientY - box.top + this.scroller.scrollTop;
    const column = Math.floor(x / this.cell);
    if (column < 0 || column >= this.cols) return null;
    for (let row = 0; row < this.rows; ++row) {
      const top = this.rowTop(row);
      if (y >= top && y < top + this.cell) {
        const seat = row * this.cols + column;
        return seat < this.options.layout.seats.length ? seat : null;
      }
    }
    return null;
  }

  private click(event: MouseEvent): void {
    const seat = this.seatAt(event);
    if (seat === null) return;
    this.cursor = seat;
    if (this.cell < cellTouch && matchMedia("(pointer: coarse)").matches) {
      this.zoom(22 / this.cell, seat);
      this.tell(seat);
      return;
    }
    this.pick(seat);
  }

  private hover(event: PointerEvent): void {
    if (event.pointerType !== "mouse") return;
    const seat = this.seatAt(event);
    this.scroller.style.cursor = seat !== null && this.states[seat] === 0 ? "pointer" : "default";
    if (seat !== null) this.tell(seat);
  }

  private pick(seat: number): void {
    const place = this.options.layout.seats[seat];
    if (place) this.options.choose(place);
    this.tell(seat);
    this.draw();
  }

  private key(event: KeyboardEvent): void {
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -this.cols,
      ArrowDown: this.cols,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      const next = this.cursor + step;
      if (next >= 0 && next < this.options.layout.seats.length) this.cursor = next;
      this.reveal(this.cursor);
      this.tell(this.cursor);
      this.draw();
    } else if (event.key === "Enter" || event.key === " ") {
      this.pick(this.cursor);
    } else if (event.key === "+" || event.key === "=") {
      this.zoom(1.5);
    } else if (event.key === "-") {
      this.zoom(1 / 1.5);
    } else {
      return;
    }
    event.preventDefault();
  }

  private tell(seat: number): void {
    const place = this.options.layout.seats[seat];
    if (!place) return;
    const state = this.chosen.has(seat) ? "chosen" : stateWords[this.states[seat] ?? 0];
    const price = place.price > 0 ? ` · ${place.grade} ${won(place.price)}` : "";
    const text = `${placeName(place)}${price} · ${state}`;
    if (this.words.textContent !== text) this.words.textContent = text;
  }

  private colours(): Palette {
    if (this.palette) return this.palette;
    const style = getComputedStyle(document.documentElement);
    const value = (name: string) => style.getPropertyValue(name).trim();
    this.palette = {
      grades: [0, 1, 2, 3, 4, 5].map((i) => value(`--grade-${i}`)),
      held: value("--seat-held"),
      sold: value("--seat-sold"),
      locked: value("--seat-locked"),
      mine: value("--accent"),
      text: value("--soft"),
      stage: value("--line"),
      flash: value("--seat-flash"),
    };
    return this.palette;
  }

  private draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      if (this.cell > 0 && this.element.isConnected) this.paint();
    });
  }

  private paint(): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const ratio = this.canvas.width / Math.max(this.scroller.clientWidth, 1);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.scroller.clientWidth, this.scroller.clientHeight);
    context.translate(-this.scroller.scrollLeft, -this.scroller.scrollTop);
    this.paintStage(context);
    const { scrollTop, scrollLeft, clientWidth, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor((scrollLeft - this.left) / this.cell));
    const last = Math.min(this.cols - 1, Math.ceil((scrollLeft + clientWidth - this.left) / this.cell));
    for (let row = 0; row < this.rows; ++row) {
      const top = this.rowTop(row);
      if (top + this.cell < scrollTop || top > scrollTop + clientHeight) continue;
      this.paintRow(context, row, top, first, last);
    }
    this.paintFlashes(context);
    if (document.activeElement === this.scroller) this.paintCursor(context);
    // For tests and for whoever scripts the page: where a seat is.
    this.scroller.dataset["cell"] = String(this.cell);
  }

  private paintStage(context: CanvasRenderingContext2D): void {
    const colours = this.colours();
    const width = this.cols * this.cell;
    const middle = this.left + width / 2;
    context.strokeStyle = colours.stage;
    context.lineWidth = 3;
    context.beginPath();
    context.moveTo(middle - width * 0.36, 30);
    context.quadraticCurveTo(middle, 2, middle + width * 0.36, 30);
    context.stroke();
    context.fillStyle = colours.text;
    context.font = "600 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText("STAGE", middle, 34);
  }

  private paintRow(
    context: CanvasRenderingContext2D, row: number, top: number, first: number, last: number,
  ): void {
    const { seats } = this.options.layout;
    const { cell, left } = this;
    if (cell >= 11) {
      context.fillStyle = this.colours().text;
      context.font = `${Math.min(12, cell * 0.6)}px system-ui, sans-serif`;
      context.textAlign = "right";
      context.textBaseline = "middle";
      const x = Math.max(left, this.scroller.scrollLeft + gutter) - 7;
      context.fillText(seats[row * this.cols]?.r ?? "", x, top + cell / 2);
      context.textBaseline = "alphabetic";
    }
    for (let column = first; column <= last; ++column) {
      const place = seats[row * this.cols + column];
      if (place) this.paintSeat(context, place, left + column * cell, top);
    }
  }

  // The state shows in shape as well as in colour: full, ring, dot, nothing but a trace.
  private paintSeat(context: CanvasRenderingContext2D, seat: Seat, x: number, y: number): void {
    const colours = this.colours();
    const { cell } = this;
    const state = this.states[seat.id] ?? 0;
    const mine = this.chosen.has(seat.id);
    const margin = cell >= 8 ? cell * 0.11 : cell >= 5 ? 0.5 : 0.25;
    const size = cell - 2 * margin;
    if (mine) {
      context.fillStyle = colours.mine;
      this.block(context, x + margin / 2, y + margin / 2, cell - margin);
      if (cell >= 12) this.tick(context, x, y);
    } else if (state === SeatState.available) {
      const grade = this.options.grades.indexOf(seat.grade);
      context.fillStyle = colours.grades[Math.max(grade, 0) % colours.grades.length] ?? "#888";
      this.block(context, x + margin, y + margin, size);
    } else if (state === SeatState.held) {
      context.fillStyle = colours.held;
      this.block(context, x + margin, y + margin, size);
      if (cell >= 9) {
        const hole = size * 0.42;
        context.clearRect(x + (cell - hole) / 2, y + (cell - hole) / 2, hole, hole);
      }
    } else {
      context.fillStyle = state === SeatState.sold ? colours.sold : colours.locked;
      const dot = cell >= 8 ? size * 0.42 : size * 0.8;
      context.fillRect(x + (cell - dot) / 2, y + (cell - dot) / 2, dot, dot);
    }
  }

  private block(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
    if (size < 7) {
      context.fillRect(x, y, size, size);
      return;
    }
    context.beginPath();
    context.roundRect(x, y, size, size, [size * 0.36, size * 0.36, size * 0.16, size * 0.16]);
    context.fill();
  }

  private tick(context: CanvasRenderingContext2D, x: number, y: number): void {
    const { cell } = this;
    context.strokeStyle = "#fff";
    context.lineWidth = cell * 0.1;
    context.beginPath();
    context.moveTo(x + cell * 0.3, y + cell * 0.52);
    context.lineTo(x + cell * 0.45, y + cell * 0.67);
    context.lineTo(x + cell * 0.72, y + cell * 0.34);
    context.stroke();
  }

  private paintFlashes(context: CanvasRenderingContext2D): void {
    const now = performance.now();
    context.strokeStyle = this.colours().flash;
    for (const [seat, since] of this.flashes) {
      const age = (now - since) / flashMs;
      if (age >= 1) {
        this.flashes.delete(seat);
        continue;
      }
      const grow = this.cell * (0.05 + 0.4 * age);
      const x = this.left + (seat % this.cols) * this.cell;
      const y = this.rowTop(Math.floor(seat / this.cols));
      context.globalAlpha = 1 - age;
      context.lineWidth = Math.max(1, this.cell * 0.07);
      context.strokeRect(x - grow / 2, y - grow / 2, this.cell + grow, this.cell + grow);
    }
    context.globalAlpha = 1;
    if (this.flashes.size > 0) this.draw();
  }

  private paintCursor(context: CanvasRenderingContext2D): void {
    const x = this.left + (this.cursor % this.cols) * this.cell;
    const y = this.rowTop(Math.floor(this.cursor / this.cols));
    context.strokeStyle = this.colours().mine;
    context.lineWidth = 2.5;
    context.strokeRect(x - 1, y - 1, this.cell + 2, this.cell + 2);
  }
}

/** The best `wanted` free seats side by side: nearest to the stage, then to the middle. */
export function bestSeats(layout: Layout, states: Uint8Array, wanted: number): number[] {
  for (let row = 0; row < layout.rows; ++row) {
    let best: number[] = [];
    let bestDistance = Infinity;
    for (let column = 0; column + wanted <= layout.cols; ++column) {
      const first = row * layout.cols + column;
      let free = 0;
      while (free < wanted && first + free < layout.seats.length && states[first + free] === 0) ++free;
      if (free < wanted) continue;
      const distance = Math.abs(column + wanted / 2 - layout.cols / 2);
      if (distance < bestDistance) {
        bestDistance = distance;
        best = Array.from({ length: wanted }, (_, i) => first + i);
      }
    }
    if (best.length > 0) return best;
  }
  return [];
}
