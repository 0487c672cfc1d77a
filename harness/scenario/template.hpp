// "${name}" templates. `$${` is a literal "${". Built-in calls without Lua: ${uuid} (32 hex digits,
// random), ${now_ms} (wall clock, epoch milliseconds). "${name|filter}" writes a variable so that
// it fits where it stands: see Filter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/diagnostic.hpp"
#include "harness/scenario/random.hpp"

namespace stampede {

// A variable's value. Lists and objects are kept as their JSON text.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

// One session's variables: slots, no map, no hashing.
class Variables {
 public:
  explicit Variables(std::size_t slots) : values_(slots) {}
  ~Variables() = default;
  Variables(const Variables& other) : values_(other.values_), id_salt_(other.id_salt_) {}
  Variables& operator=(const Variables& other) {
    values_ = other.values_;
    id_salt_ = other.id_salt_;
    return *this;
  }
  [[nodiscard]] const Value& get(std::uint32_t slot) const { return values_[slot]; }
  void set(std::uint32_t slot, Value value) {
    const auto* const text = std::get_if<std::string>(&value);
    if (text != nullptr && text->size() <= std::string().capacity()) return set_text(slot, *text);
    values_[slot] = std::move(value);
  }
  void set_integer(std::uint32_t slot, std::int64_t value) noexcept {
    if (auto* old = std::get_if<std::int64_t>(&values_[slot])) {
      *old = value;
    } else {
      values_[slot] = value;
    }
  }
  // Keeps the memory of the text that was there, or that was unset.
  void set_text(std::uint32_t slot, std::string_view text) {
    if (auto* old = std::get_if<std::string>(&values_[slot])) {
      if (*old != text) old->assign(text);
      return;
    }
    auto& fresh = values_[slot].emplace<std::string>();
    if (!parked_.empty()) fresh.swap(parked_[slot]);
    fresh.assign(text);
  }
  void unset(std::uint32_t slot) {
    if (std::holds_alternative<std::monostate>(values_[slot])) return;
    if (auto* old = std::get_if<std::string>(&values_[slot])) park(slot, *old);
    values_[slot].emplace<std::monostate>();
  }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  // Of the ids that are made beside them.
  [[nodiscard]] const IdSalt& id_salt() const noexcept { return id_salt_; }
  void set_id_salt(const IdSalt& salt) noexcept { id_salt_ = salt; }

 private:
  // Longer texts give their memory back: there are many users, and most of them rest.
  static constexpr std::size_t parked_bytes_max = 256;
  void park(std::uint32_t slot, std::string& text) {
    if (text.capacity() <= std::string().capacity() || text.capacity() > parked_bytes_max) return;
    if (parked_.empty()) parked_.resize(values_.size());
    parked_[slot].swap(text);
  }

  std::vector<Value> values_;
  IdSalt id_salt_;
  std::vector<std::string> parked_;  // memory of unset texts, by slot; empty: there was none
};

// The value of a text: a number or boolean when append_text would write it in exactly these
// characters.
Value value_of_text(std::string text);
// Appends the text of a value: integers without exponent, booleans as true/false, nothing for
// unset.
void append_text(std::string& out, const Value& value);

// Appends `text` percent-encoded for a query (RFC 3986: all but unreserved characters) or a form
// (the same, a blank as +); as base64 (RFC 4648, padded).
void append_percent_encoded(std::string& out, std::string_view text, bool form);
void append_base64(std::string& out, std::string_view bytes);

// How a variable is written.
enum class Filter : std::uint8_t {
  none,
  url,     // percent-encoded, all but letters, digits and -._~ (RFC 3986)
  json,    // escaped for the inside of a JSON string; bytes that are no UTF-8 stay
  base64,  // RFC 4648 §4, with padding
};
void append_filtered(std::string& out, std::string_view text, Filter filter);

class Template {
 public:
  Template() = default;
  // `slots` names the known variables; an unknown one is a problem at its column within `text`.
  static Checked<Template> parse(std::string_view text, const std::vector<std::string>& slots);
  static Template literal(std::string_view text);
  // What `inner` renders, encoded: by percent signs for a query, the same with + for a blank for a
  // form (application/x-www-form-urlencoded), or as base64. An `inner` that is constant is encoded
  // here and now.
  enum class Encoding : std::uint8_t { query, form, base64 };
  static Template encoded(Encoding encoding, Template inner);
  // Renders one after the other.
  Template& operator+=(Template next);
  // Appends; allocates only when `out` must grow.
  void render(const Variables& variables, Random& random, std::string& out) const;
  // The template as a value: "${name}" alone keeps the variable's type, a constant text that is
  // written as a number or a boolean becomes one ("5", "2.5", "true"; not "007"), everything else
  // is text.
  [[nodiscard]] Value evaluate(const Variables& variables, Random& random) const;
  [[nodiscard]] bool is_constant() const noexcept;
  // What every rendering gives; "" when is_constant() is false, too.
  [[nodiscard]] std::string constant_text() const;

 private:
  struct Piece {
    enum class Kind : std::uint8_t { text, slot, uuid, now_ms, encoded };
    Kind kind = Kind::text;
    std::uint32_t slot = 0;  // of `encoded`: which Encoding
    std::string text;
    std::shared_ptr<const Template> inner{};  // of `encoded`
    Filter filter = Filter::none;
  };
  static void render_encoded(const Piece& piece, const Variables& variables, Random& random,
                             std::string& out);
  void add_reference(std::string_view reference, std::size_t offset,
                     const std::vector<std::string>& slots, Diagnostics& problems);
  static Diagnostic unknown_name(std::string_view name, std::size_t offset,
                                 const std::vector<std::string>& slots);

  std::vector<Piece> pieces_;
};

}  // namespace stampede
