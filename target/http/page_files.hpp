// The files of the page for people, embedded at build time (target/page).
#pragma once

#include <span>
#include <string_view>

namespace boxoffice {

struct PageCoding {
  std::string_view coding;  // as Content-Encoding names it: br, gzip, identity
  std::span<const unsigned char> bytes;
  std::string_view tag;  // of these bytes, quoted, as ETag wants it
};
struct PageFile {
  std::string_view name;                // app.js
  std::span<const PageCoding> codings;  // the smallest first; the last is the file itself
};
inline constexpr std::size_t page_codings_max = 3;

// One of them is index.html, or unbuilt.html when the page's bundler was not there.
std::span<const PageFile> page_files() noexcept;

}  // namespace boxoffice
