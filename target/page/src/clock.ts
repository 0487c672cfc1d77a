// The server's clock as this page knows it. Deadlines are the server's; a wrong clock of the phone
// must not show a hold as alive that is over.
import { call } from "./api";

let offsetMs = 0;
let bestRoundTripMs = Infinity;

/** The probe with the shortest round trip is believed. */
export async function setClock(probes = 3): Promise<void> {
  for (let i = 0; i < probes; ++i) {
    const sent = Date.now();
    const told = await call<{ epochMs: number }>("GET", "/api/time", { anonymous: true });
    const roundTrip = Date.now() - sent;
    if (roundTrip >= bestRoundTripMs) continue;
    bestRoundTripMs = roundTrip;
    offsetMs = told.epochMs - (sent + roundTrip / 2);
  }
}

export function serverNow(): number {
  return Date.now() + offsetMs;
}
