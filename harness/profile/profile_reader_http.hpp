// The keys that say how HTTP is spoken: the profile's `http`, and the same keys at a step. Knows
// the tree of nodes, not YAML.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

inline constexpr std::size_t required_headers_max = 16;  // each is looked for in every answer

// "1500", "64KiB", "10MB": bytes.
Parsed<std::uint64_t> parse_size(std::string_view text);

// Secrets that a profile spells out, by line and column: the text that is kept for the record does
// not have them.
using Secrets = std::map<std::pair<int, int>, std::string>;
// Does a request header of this name carry a credential?
bool is_secret_header(std::string_view name);
// Those of every `auth` in the tree, and of headers that carry a credential.
void find_secrets(const YamlNode& node, Secrets& secrets);
// The text with *** in their place, and without the values of overrides that set such a thing.
std::string without_secrets(std::string_view text, const Secrets& secrets);
std::string without_secret(const std::string& set);

class HttpReader {
 public:
  explicit HttpReader(Problems& problems) : problems_(problems), values_(problems) {}

  // Keys of a step that it reads, and of the profile's `http`.
  static const std::vector<std::string>& step_keys();

  HttpDefaults read_defaults(const YamlNode* node);
  HttpOptions read_options(const Fields& fields);
  std::vector<std::pair<std::string, Source>> read_headers(const YamlNode* node);
  // `query` and `form`: names to texts, or to lists of texts.
  std::vector<std::pair<std::string, Source>> read_pairs(const YamlNode* node,
                                                         std::string_view what);
  // A template, or a map or list that becomes JSON.
  Source read_body(const YamlNode& node);
  // `body`, `form` and `body_file` of a step, and the Content-Type that they imply. Relative paths
  // start at `folder`.
  void read_bodies(const Fields& fields, const std::string& folder, HttpSpec& http);

 private:
  std::optional<AuthSpec> read_auth(const YamlNode* node);
  std::optional<RedirectSpec> read_redirects(const YamlNode* node);
  std::optional<std::string> read_compression(const YamlNode* node);
  std::optional<std::uint64_t> read_body_max(const YamlNode* node);
  std::shared_ptr<const std::string> read_file(const YamlNode& node, const std::string& folder);

  Problems& problems_;
  Values values_;
};

}  // namespace stampede
