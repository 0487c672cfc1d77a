// Practice rooms and auctions: what there is.
import { call, Problem } from "../api";
import { readEvent } from "../catalogue";
import { fill, h } from "../dom";
import type { Scope } from "../scope";
import { session } from "../session";
import { plural, won } from "../text";
import { signIn } from "../ways";
import { failure } from "./failure";

// The newest, as many as one answer holds.
async function all<T>(path: string, signal: AbortSignal): Promise<T[]> {
  return (await call<{ items: T[] }>("GET", `${path}?size=50`, { signal })).items;
}

interface RoomHead {
  roomId: string;
  title: string;
  bots: number;
  periodMs: number;
}

interface AuctionHead {
  auctionId: string;
  eventId: number;
  slots: number;
  status: string;
  top: number;
  bidders: number;
}

function card(href: string, art: number, tag: string, title: string, text: string): HTMLElement {
  return h("li", {}, h("a", { class: "card", href },
    h("span", { class: `art art-${art % 6}`, "aria-hidden": true }),
    h("span", { class: "card-body" }, h("span", { class: "tag" }, tag), h("strong", {}, title), h("span", { class: "soft" }, text))));
}

async function auctionCard(auction: AuctionHead, signal: AbortSignal): Promise<HTMLElement> {
  const title = await auctionTitle(auction.eventId, signal);
  const state = auction.status === "OPEN" ? `highest ${auction.top > 0 ? won(auction.top) : "–"} · ${plural(auction.bidders, "bidder")}` : auction.status.toLowerCase();
  return card(`#/auctions/${auction.auctionId}`, Number(auction.auctionId), "Auction", title, `${plural(auction.slots, "slot")} · ${state}`);
}

export async function auctionTitle(event: number, signal: AbortSignal): Promise<string> {
  return readEvent(event, signal).then((told) => told.title, () => "Auction");
}

export async function gamesScreen(root: HTMLElement, scope: Scope): Promise<void> {
  if (!session.signedIn) return signIn("#/games");
  fill(root, h("h1", {}, "Practice and auctions"));
  try {
    const rooms = await all<RoomHead>("/api/practice", scope.signal);
    const auctions = await all<AuctionHead>("/api/auctions", scope.signal);
    const cards = rooms.map((room) =>
      card(`#/practice/${room.roomId}`, Number(room.roomId), "Practice", room.title,
        `opens every ${room.periodMs / 1000} s · ${plural(room.bots, "bot")}`));
    for (const auction of auctions) cards.push(await auctionCard(auction, scope.signal));
    const none = h("p", { class: "soft" }, "There is nothing to play yet.");
    fill(root, h("h1", {}, "Practice and auctions"), cards.length > 0 ? h("ul", { class: "cards" }, ...cards) : none);
  } catch (error) {
    if (scope.over) return;
    if (error instanceof Problem && error.status === 401) return signIn("#/games");
    fill(root, failure(error, () => void gamesScreen(root, scope)));
  }
}
