#include "harness/scenario/lua_tokens.hpp"

#include <algorithm>
#include <array>

#include "harness/scenario/lua_sandbox.hpp"

namespace stampede {

namespace {

constexpr std::array<std::string_view, 22> keywords{
    "and",      "break",  "do",   "else", "elseif", "end",  "false", "for",
    "function", "goto",   "if",   "in",   "local",  "nil",  "not",   "or",
    "repeat",   "return", "then", "true", "until",  "while"};
constexpr std::array<std::string_view, 9> long_symbols{
    "...", "..", "==", "~=", "<=", ">=", "//", "<<", ">>"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <class Container>
bool contains(const Container& container, std::string_view word) {
  return std::find(container.begin(), container.end(), word) != container.end();
}

// Cuts one text; `at` walks through it.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  std::vector<LuaToken> cut() {
    std::vector<LuaToken> tokens;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++at_;
      } else if (rest().starts_with("--")) {
        skip_comment();
      } else {
        const std::size_t begin = at_;
        const LuaToken::Kind kind = skip_token(c);
        tokens.push_back({kind, begin, at_});
      }
    }
    return tokens;
  }

 private:
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

  void skip_comment() {
    at_ += 2;
    if (skip_long_bracket()) return;
    const std::size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }

  // [[ … ]], [=[ … ]=], …
  bool skip_long_bracket() {
    if (!rest().starts_with('[')) return false;
    std::size_t level = 0;
    while (at_ + 1 + level < text_.size() && text_[at_ + 1 + level] == '=') ++level;
    if (at_ + 1 + level >= text_.size() || text_[at_ + 1 + level] != '[') return false;
    const std::string close = "]" + std::string(level, '=') + "]";
    const std::size_t end = text_.find(close, at_ + level + 2);
    at_ = end == std::string_view::npos ? text_.size() : end + close.size();
    return true;
  }

  LuaToken::Kind skip_token(char first) {
    if (is_letter(first)) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
      const bool keyword = contains(keywords, text_.substr(begin, at_ - begin));
      return keyword ? LuaToken::Kind::keyword : LuaToken::Kind::name;
    }
    const bool fraction = first == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
    if (is_digit(first) || fraction) {
      skip_number();
      return LuaToken::Kind::number;
    }
    if (first == '"' || first == '\'') {
      skip_quoted(first);
      return LuaToken::Kind::text;
    }
    if (skip_long_bracket()) return LuaToken::Kind::text;
    for (const std::string_view symbol : long_symbols) {
      if (!rest().starts_with(symbol)) continue;
      at_ += symbol.size();
      return LuaToken::Kind::symbol;
    }
    ++at_;
    return LuaToken::Kind::symbol;
  }

  void skip_number() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool exponent = c == 'e' || c == 'E' || c == 'p' || c == 'P';
      if (!is_letter(c) && !is_digit(c) && c != '.') return;
      ++at_;
      if (exponent && at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    }
  }

  void skip_quoted(char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// The tokens with the questions that the search for unknown names asks about them.
class Names {
 public:
  Names(std::string_view text, const std::vector<LuaToken>& tokens,
        const std::vector<std::string>& slots, const std::vector<std::string>& functions)
      : text_(text), tokens_(tokens), slots_(slots), known_(slots) {
    known_.insert(known_.end(), functions.begin(), functions.end());
    // Of "accounts.name" an expression sees "accounts".
    for (std::string& name : known_) name = name.substr(0, name.find('.'));
    known_.insert(known_.end(), {"random", "uuid"});
    for (const LuaNames& names : lua_names()) {
      if (!names.table.empty()) known_.emplace_back(names.table);
      if (names.table.empty())
        known_.insert(known_.end(), names.members.begin(), names.members.end());
    }
    for (std::size_t at = 0; at < tokens_.size(); ++at) declare(at);
  }

  Diagnostics unknown() {
    Diagnostics problems;
    std::vector<char> open;  // brackets that are open
    for (std::size_t at = 0; at < tokens_.size(); ++at) {
      const std::string_view word = of(at);
      if (word == "{" || word == "(" || word == "[") open.push_back(word.front());
      if ((word == "}" || word == ")" || word == "]") && !open.empty()) open.pop_back();
      if (tokens_[at].kind != LuaToken::Kind::name) continue;
      const std::string_view before = of(at - 1);
      const bool table_key = of(at + 1) == "=" && !open.empty() && open.back() == '{';
      if (before == ":" || before == "goto" || before == "::" || table_key || is_attribute(at)) {
        continue;
      }
      if (before == ".") {
        check_member(at, problems);
      } else if (!contains(known_, word)) {
        problems.push_back(unknown_variable(at));
      }
    }
    return problems;
  }

 private:
  // The token's text; empty before the first and after the last (index - 1 wraps around).
  [[nodiscard]] std::string_view of(std::size_t at) const {
    if (at >= tokens_.size()) return {};
    return text_.substr(tokens_[at].begin, tokens_[at].end - tokens_[at].begin);
  }

  // Names after `local`, `for` and in parameter lists are the expression's own.
  void declare(std::size_t at) {
    const std::string_view word = of(at);
    if (word != "local" && word != "for" && word != "function") return;
    std::size_t next = at + 1;
    if (word == "function") {
      // `local function f(…)`: f is its own too.
      for (; next < tokens_.size() && of(next) != "("; ++next) known_.emplace_back(of(next));
      ++next;
    }
    for (; next < tokens_.size(); ++next) {
      if (tokens_[next].kind == LuaToken::Kind::name) {
        known_.emplace_back(of(next));
      } else if (is_attribute(next + 1)) {
        next += 2;
      } else if (of(next) != ",") {
        return;
      }
    }
  }

  // The name in `local x <const>`.
  [[nodiscard]] bool is_attribute(std::size_t at) const {
    return of(at - 1) == "<" && of(at + 1) == ">" && (of(at) == "const" || of(at) == "close");
  }

  // "name" in accounts.name.
  void check_column(std::size_t at, Diagnostics& problems) const {
    if (at < 2 || of(at - 3) == ".") return;
    const std::string group = std::string(of(at - 2)) + ".";
    std::vector<std::string> columns;
    for (const std::string& slot : slots_) {
      if (slot.starts_with(group)) columns.push_back(slot.substr(group.size()));
    }
    if (columns.empty() || contains(columns, of(at))) return;
    const std::string_view near = nearest(of(at), columns);
    problems.push_back({"", place_of(at),
                        "unknown variable \"" + group + std::string(of(at)) + "\"",
                        near.empty() ? "" : "did you mean \"" + std::string(near) + "\"?",
                        group + std::string(of(at))});
  }

  void check_member(std::size_t at, Diagnostics& problems) const {
    check_column(at, problems);
    for (const LuaNames& names : lua_names()) {
      const bool library = at >= 2 && !names.table.empty() && of(at - 2) == names.table;
      if (!library || of(at - 3) == "." || contains(names.members, of(at))) continue;
      const std::vector<std::string> members(names.members.begin(), names.members.end());
      const std::string_view near = nearest(of(at), members);
      problems.push_back(
          {"", place_of(at),
           "unknown function \"" + std::string(names.table) + "." + std::string(of(at)) + "\"",
           near.empty() ? "" : "did you mean \"" + std::string(near) + "\"?"});
    }
  }

  [[nodiscard]] Diagnostic unknown_variable(std::size_t at) const {
    std::vector<std::string> candidates = known_;
    const std::string_view near = nearest(of(at), candidates);
    return {"", place_of(at), "unknown variable \"" + std::string(of(at)) + "\"",
            near.empty() ? "set it in `variables`, a capture or a `set` step; a text needs quotes"
                         : "did you mean \"" + std::string(near) + "\"?",
            std::string(of(at))};
  }

  [[nodiscard]] Place place_of(std::size_t at) const {
    return {1, static_cast<int>(tokens_[at].begin) + 1};
  }

  std::string_view text_;
  const std::vector<LuaToken>& tokens_;
  const std::vector<std::string>& slots_;
  std::vector<std::string> known_;
};

}  // namespace

std::vector<LuaToken> lua_tokens(std::string_view text) { return Cutter(text).cut(); }

bool is_lua_variable_name(std::string_view name) {
  if (name.empty() || !is_letter(name.front()) || contains(keywords, name)) return false;
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
  if (!plain || name == "random" || name == "uuid" || name == "_ENV" || name == "now_ms")
    return false;
  for (const LuaNames& names : lua_names()) {
    if (names.table == name || (names.table.empty() && contains(names.members, name))) return false;
  }
  return true;
}

Diagnostics unknown_names(std::string_view text, const std::vector<LuaToken>& tokens,
                          const std::vector<std::string>& slots,
                          const std::vector<std::string>& functions) {
  return Names(text, tokens, slots, functions).unknown();
}

}  // namespace stampede
