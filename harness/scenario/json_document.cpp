#include "harness/scenario/json_document.hpp"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

namespace stampede {

using Json = nlohmann::json;
using Kind = JsonMember::Kind;

namespace {

template <class Number>
std::optional<Number> number_of(std::string_view digits) noexcept {
  Number number{};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

Value value_of_number(const JsonMember& member) {
  if (member.kind == Kind::integer) {
    if (const auto number = number_of<std::int64_t>(member.raw)) return *number;
    // As text: a double would change its digits.
    if (number_of<std::uint64_t>(member.raw)) return std::string(member.raw);
  }
  if (const auto number = number_of<double>(member.raw)) return *number;
  return Json::parse(member.raw, nullptr, false).get<double>();
}

}  // namespace

// Counts brackets outside strings.
bool is_too_deep(std::string_view text) noexcept {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > json_depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

Value value_of_json(const JsonMember& member) {
  switch (member.kind) {
    case Kind::null:
      return std::monostate{};
    case Kind::truth:
      return true;
    case Kind::falsehood:
      return false;
    case Kind::integer:
    case Kind::real:
      return value_of_number(member);
    case Kind::text: {
      std::string text;
      append_unescaped(text, member.raw);
      return text;
    }
    default:
      return Json::parse(member.raw, nullptr, false)
          .dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

// What reading an answer takes: lent to documents, one after the other, of the same thread.
struct JsonDocument::Room {
  JsonTape tape;
  std::string other;  // the answer as the library writes it, where the tape did not understand it
  std::string text;   // of text_of()
};

struct JsonDocument::RoomPool {
  static constexpr std::size_t bytes_max = 1 << 20;  // of a room that is kept
  static std::unique_ptr<Room>& spare() {
    static thread_local std::unique_ptr<Room> room;
    return room;
  }
  static std::unique_ptr<Room> take() {
    if (spare()) return std::move(spare());
    return std::make_unique<Room>();
  }
  static void give(std::unique_ptr<Room> room) {
    const std::size_t bytes = room->tape.memory() + room->other.capacity() + room->text.capacity();
    if (bytes <= bytes_max) spare() = std::move(room);
  }
};

JsonDocument::JsonDocument(std::string_view text) : text_(text) {}

JsonDocument::~JsonDocument() {
  if (room_) RoomPool::give(std::move(room_));
}

void JsonDocument::read() {
  room_ = RoomPool::take();
  if (room_->tape.read(text_)) return;
  if (is_too_deep(text_)) {
    problem_ = "the answer is nested too deeply";
    return;
  }
  const Json json = Json::parse(text_, nullptr, false);
  problem_ = "the answer is not JSON";
  if (json.is_discarded()) return;
  room_->other = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (room_->tape.read(room_->other)) problem_ = {};
}

std::optional<JsonMember> JsonDocument::find(std::string_view pointer) {
  if (!room_) read();
  return problem_.empty() ? room_->tape.find(pointer) : std::nullopt;
}

std::string_view JsonDocument::text_of(const JsonMember& member) {
  if (!member.escaped) return member.raw;
  room_->text.clear();
  append_unescaped(room_->text, member.raw);
  return room_->text;
}

}  // namespace stampede
