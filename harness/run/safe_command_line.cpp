#include "harness/run/safe_command_line.hpp"

#include <array>
#include <string_view>

#include "harness/profile/profile_reader_http.hpp"

namespace stampede {

namespace {

enum class Kind { plain, override, header };

struct Option {
  std::string_view name;
  Kind kind;
};
constexpr std::array<Option, 3> options{
    {{"--set", Kind::override}, {"--header", Kind::header}, {"-H", Kind::header}}};

std::string without_credential(Kind kind, const std::string& value) {
  if (kind == Kind::override) return without_secret(value);
  const std::size_t colon = value.find(':');
  if (kind == Kind::plain || colon == std::string::npos) return value;
  return is_secret_header(value.substr(0, colon)) ? value.substr(0, colon) + ": ***" : value;
}

// "--set=KEY=VALUE", "-HName: value": the option and its value in one word.
std::string without_joined_credential(const std::string& word) {
  for (const auto& [name, kind] : options) {
    if (!word.starts_with(name) || word.size() == name.size()) continue;
    const bool short_one = !name.starts_with("--");
    if (!short_one && word[name.size()] != '=') continue;
    const std::size_t begin = name.size() + (word[name.size()] == '=' ? 1 : 0);
    return word.substr(0, begin) + without_credential(kind, word.substr(begin));
  }
  return word;
}

}  // namespace

std::vector<std::string> safe_command_line(std::vector<std::string> words,
                                           const std::vector<std::string>& secrets) {
  Kind next = Kind::plain;  // what the word before asks for
  for (std::string& word : words) {
    if (next != Kind::plain) {
      word = without_credential(next, word);
      next = Kind::plain;
    } else {
      for (const auto& [name, kind] : options) {
        if (word == name) next = kind;
      }
      word = without_joined_credential(word);
    }
    for (const std::string& secret : secrets) {
      for (auto at = word.find(secret); at != std::string::npos; at = word.find(secret)) {
        word.replace(at, secret.size(), "…");
      }
    }
  }
  return words;
}

}  // namespace stampede
