// The way of an event stream into the harness: the answer freed of its chunks, then its events.
// Input: a byte that sets the limit of an event, a byte that seeds the splits (its highest bit: the
// text comes without an HTTP answer around it), then what the server sent.
#include <vector>

#include "harness/protocol/event_stream_parser.hpp"
#include "harness/protocol/streamed_answer.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace stampede::fuzz {
namespace {

using Progress = StreamedAnswer::Progress;
using Step = EventStreamParser::Step;

struct Reading {
  explicit Reading(std::size_t event_max) : parser(event_max) {}
  StreamedAnswer answer;
  EventStreamParser parser;
  Progress progress = Progress::head;
  bool too_big = false;
  std::vector<std::string> events;
  bool operator==(const Reading& other) const {
    return progress == other.progress && too_big == other.too_big && events == other.events &&
           parser.last_event_id() == other.parser.last_event_id() &&
           parser.retry() == other.parser.retry();
  }
};

void take_text(Reading& reading, std::string_view text) {
  reading.parser.feed(text);
  while (!reading.too_big) {
    const Step step = reading.parser.next();
    if (step == Step::needs_more) return;
    reading.too_big = step == Step::too_big;
    if (reading.too_big) return;
    const ServerEvent& event = reading.parser.event();
    require(!event.name.empty());
    require(event.id.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    reading.events.push_back(std::string(event.name) + "|" + std::string(event.data) + "|" +
                             std::string(event.id));
  }
}

// False: nothing more is read.
bool take(Reading& reading, bool bare, const std::string& piece) {
  std::string body;
  if (!bare) reading.progress = reading.answer.feed(piece, body);
  if (reading.progress == Progress::malformed) {
    require(!reading.answer.problem().empty());
    return false;
  }
  take_text(reading, bare ? std::string_view(piece) : std::string_view(body));
  return !reading.too_big && reading.progress != Progress::complete;
}

}  // namespace
}  // namespace stampede::fuzz

int fuzz_event_stream(const std::uint8_t* data, std::size_t size);
int fuzz_event_stream(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  using namespace stampede::fuzz;
  Input input(data, size);
  const std::size_t event_max = std::size_t{input.byte()} * 4 + 1;
  unsigned seed = input.byte();
  const bool bare = (seed & 0x80U) != 0;
  Reading whole(event_max), pieces(event_max);
  (void)take(whole, bare, std::string(input.rest()));
  ++seed;
  for (std::string_view rest = input.rest(); !rest.empty();) {
    const std::string piece(rest.substr(0, 1 + (seed >> 16U) % 23));
    seed = seed * 1'103'515'245U + 12'345U;
    rest.remove_prefix(piece.size());
    if (!take(pieces, bare, piece)) break;
  }
  // A malformed answer may have given more or fewer events until it was seen to be one.
  if (whole.progress == Progress::malformed || whole.too_big || pieces.too_big) {
    // Beast may see what is wrong with a head before it is complete, or only then.
    require(whole.too_big || pieces.too_big || pieces.progress == Progress::malformed ||
            pieces.progress == Progress::head);
  } else if (!input.rest().empty()) {
    require(whole == pieces);
  }
  pieces.parser.restart();
  pieces.too_big = false;
  take_text(pieces, "data: again\n\n");
  require(pieces.too_big || pieces.events.back().starts_with("message|again|"));
  return 0;
}
