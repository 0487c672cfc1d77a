// What a screen started and must end when it is left: timers, streams, listeners, requests.

export class Scope {
  private readonly ends: (() => void)[] = [];
  private readonly aborter = new AbortController();

  get signal(): AbortSignal {
    return this.aborter.signal;
  }
  get over(): boolean {
    return this.aborter.signal.aborted;
  }
  onEnd(end: () => void): void {
    if (this.over) end();
    else this.ends.push(end);
  }
  every(ms: number, tick: () => void): void {
    const timer = setInterval(tick, ms);
    this.onEnd(() => clearInterval(timer));
  }
  /** False when the scope ended first. */
  sleep(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(!this.over), ms);
      this.onEnd(() => {
        clearTimeout(timer);
        resolve(false);
      });
    });
  }
  listen(target: EventTarget, name: string, handle: (event: Event) => void): void {
    target.addEventListener(name, handle);
    this.onEnd(() => target.removeEventListener(name, handle));
  }
  end(): void {
    this.aborter.abort();
    for (const end of this.ends.splice(0)) end();
  }
}
