// The files of the page for people, embedded at build time (target/page).
#pragma once

#include <span>
#include <string_view>

namespace boxoffice {

struct PageFile {
  std::string_view name;  // app.js
  std::span<const unsigned char> bytes;
  std::string_view tag;  // of its content, quoted, as ETag wants it
};
// One of them is index.html, or unbuilt.html when the page's bundler was not there.
std::span<const PageFile> page_files() noexcept;

}  // namespace boxoffice
