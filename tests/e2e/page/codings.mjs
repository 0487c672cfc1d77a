// The page's files in every coding are the same file; each coding has its own tag; who asks for none gets none.
import { request } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const world = JSON.parse(process.argv[2]);
const plain = (bytes) => bytes;
const decoders = { br: brotliDecompressSync, gzip: gunzipSync, identity: plain };
const complaints = [];
const expect = (condition, text) => condition || complaints.push(text);

function ask(path, headers) {
  return new Promise((resolve, reject) => {
    const asked = request(world.url + path, { headers }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

for (const path of ["/", "/page/app.js", "/page/style.css"]) {
  const bare = await ask(path, {});
  expect(bare.headers["content-encoding"] === undefined, `${path}: coded without being asked`);
  const tags = new Set();
  for (const [coding, decode] of Object.entries(decoders)) {
    const told = await ask(path, { "Accept-Encoding": coding });
    const name = `${path} in ${coding}`;
    expect(told.status === 200, `${name}: ${told.status}`);
    expect((told.headers["content-encoding"] ?? "identity") === coding, `${name}: came in ${told.headers["content-encoding"]}`);
    expect(told.headers.vary === "Accept-Encoding", `${name}: Vary is ${told.headers.vary}`);
    expect(Number(told.headers["content-length"]) === told.body.length, `${name}: a wrong length`);
    expect(decode(told.body).equals(bare.body), `${name}: another file`);
    expect(coding === "identity" || told.body.length < bare.body.length * 0.7, `${name}: ${told.body.length} of ${bare.body.length} bytes`);
    tags.add(told.headers.etag);
    const again = await ask(path, { "Accept-Encoding": coding, "If-None-Match": told.headers.etag });
    expect(again.status === 304 && again.body.length === 0, `${name}: ${again.status} to its own tag`);
    expect(again.headers.vary === "Accept-Encoding", `${name}: 304 without Vary`);
    const other = Object.keys(decoders).find((one) => one !== coding);
    const elsewhere = await ask(path, { "Accept-Encoding": other, "If-None-Match": told.headers.etag });
    expect(elsewhere.status === 200, `${name}: its tag is good for ${other}`);
  }
  expect(tags.size === 3, `${path}: ${tags.size} tags for three codings`);
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length > 0 ? 1 : 0;
