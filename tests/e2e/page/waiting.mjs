// Four people at the door of a hall for one. The third one's WebSocket drops while the fourth comes: the
// place is kept, and is told again as soon as the connection is back.
import { expect, story } from "./browser.mjs";

const position = (page) => page.textContent("[data-testid=position]");
const isAt = (page, place) =>
  page.waitForFunction((wanted) => document.querySelector("[data-testid=position]")?.textContent === wanted, place);

await story(async (crowd, world) => {
  const door = `${world.url}/#/events/${world.event}`;
  const first = await crowd.person(0);
  await first.goto(door);
  await first.waitForSelector("[data-testid=map][data-cell]");

  const second = await crowd.person(1);
  await second.goto(door);
  await isAt(second, "1");

  const third = await crowd.person(2);
  const sockets = [];
  await third.routeWebSocket(/\/ws\/queue/, (socket) => {
    sockets.push({ socket, server: socket.connectToServer() });
  });
  await third.reload(); // the route is for documents to come
  await third.goto(door);
  await isAt(third, "2");
  await third.waitForSelector("[data-testid=queue-link]:has-text('Connected')");
  expect(sockets.length === 1, "one connection");

  const { socket, server } = sockets[0];
  await Promise.all([
    third.waitForSelector("[data-testid=queue-link]:has-text('your place is kept')"),
    server.close({ code: 3001 }).then(() => socket.close({ code: 3001 })),
  ]);
  const fourth = await crowd.person(3);
  await fourth.goto(door);
  await isAt(fourth, "3");
  await third.waitForSelector("[data-testid=queue-link]:has-text('Connected')");
  expect(sockets.length >= 2, "a second connection");
  expect((await position(third)) === "2", `the place is now ${await position(third)}`);

  // Who gives up lets the others move, and the first one's way out opens the door for the next.
  await second.click("text=Leave the line");
  await isAt(third, "1");
  await isAt(fourth, "2");
  await first.evaluate((event) => {
    const pass = JSON.parse(localStorage.getItem("boxoffice.session"));
    return fetch(`api/events/${event}/queue?reason=completed`, { method: "DELETE", headers: { Authorization: `Bearer ${pass.access}` } });
  }, world.event);
  await third.waitForSelector("[data-testid=map][data-cell]");
  await isAt(fourth, "1");
});
