// node compress.mjs FOLDER files…: FOLDER/NAME.br and FOLDER/NAME.gz of each. At build time, so that the
// best level costs nothing while the page is served; the bytes are the same in every build. What HTML names
// (page/app.js) gets the digest of its bytes into its name (page/app.0123456789abcdef.js): caches may keep it for
// good, for other bytes have another name. FOLDER/NAME of an HTML file is that.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [folder, ...files] = process.argv.slice(2);
const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 16);
const fingerprinted = (file) => {
  let text = readFileSync(file, "utf8");
  for (const other of files) {
    const name = basename(other);
    const end = extname(name);
    text = text.replaceAll(`"page/${name}"`, `"page/${basename(name, end)}.${digest(other)}${end}"`);
  }
  return text;
};
for (const file of files) {
  const html = extname(file) === ".html";
  const bytes = html ? Buffer.from(fingerprinted(file)) : readFileSync(file);
  if (html) writeFileSync(join(folder, basename(file)), bytes);
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  writeFileSync(join(folder, `${basename(file)}.br`), brotliCompressSync(bytes, { params }));
  writeFileSync(join(folder, `${basename(file)}.gz`), gzipSync(bytes, { level: 9 }));
}
