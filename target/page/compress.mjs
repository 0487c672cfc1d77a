// node compress.mjs FOLDER files…: FOLDER/NAME.br and FOLDER/NAME.gz of each. At build time, so that the
// best level costs nothing while the page is served; the bytes are the same in every build.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [folder, ...files] = process.argv.slice(2);
for (const file of files) {
  const bytes = readFileSync(file);
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  writeFileSync(join(folder, `${basename(file)}.br`), brotliCompressSync(bytes, { params }));
  writeFileSync(join(folder, `${basename(file)}.gz`), gzipSync(bytes, { level: 9 }));
}
