// Which coding of a file a client takes (Accept-Encoding, RFC 9110 §12.5.3).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace boxoffice {

// The weight of `coding` in a client's `accept_encoding`, 0 to 1000; -1 where the client does not
// speak of it. What is malformed is not spoken of.
int coding_weight(std::string_view accept_encoding, std::string_view coding) noexcept;

// The place in `offered` of what the client likes best; of equals the first. `offered` is in the
// server's order of preference and ends with "identity", which is sent when nothing else is asked
// for, and also when the client refuses all there is: an answer that can be read after all is worth
// more than none.
std::size_t choose_coding(std::string_view accept_encoding,
                          std::span<const std::string_view> offered) noexcept;

}  // namespace boxoffice
