#include "target/domain/event.hpp"

namespace boxoffice {

std::string event_key(std::uint64_t event, std::uint32_t epoch, std::string_view suffix) {
  std::string key = "{e";
  key += std::to_string(event);
  key += '.';
  key += std::to_string(epoch);
  key += "}:";
  key += suffix;
  return key;
}

}  // namespace boxoffice
