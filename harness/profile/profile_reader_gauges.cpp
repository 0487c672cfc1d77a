#include "harness/profile/profile_reader_gauges.hpp"

#include <algorithm>

namespace stampede {

namespace {

constexpr std::size_t gauges_max = 32;
constexpr std::size_t labels_max = 8;
constexpr std::string_view forms =
    "queue_active, queue_active{event=\"1\"}, process boxoffice rss, redis used_memory";

bool is_word(std::string_view text) {
  return !text.empty() && (text.front() < '0' || text.front() > '9') &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == ':';
         });
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    if (blank > 0) words.emplace_back(text.substr(0, blank));
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return words;
}

// name="value", … as Prometheus writes them; values without escapes.
bool read_labels(std::string_view text, GaugeSpec& into) {
  while (!text.empty()) {
    const std::size_t equals = text.find("=\"");
    const std::size_t end = equals == std::string_view::npos ? equals : text.find('"', equals + 2);
    if (end == std::string_view::npos || into.labels.size() == labels_max) return false;
    const std::string_view value = text.substr(equals + 2, end - equals - 2);
    if (!is_word(text.substr(0, equals)) || value.find('\\') != std::string_view::npos) {
      return false;
    }
    into.labels.emplace_back(text.substr(0, equals), value);
    text.remove_prefix(end + 1);
    if (text.empty()) return true;
    if (text.front() != ',') return false;
    text.remove_prefix(1);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  return true;
}

bool read_metric(std::string_view text, GaugeSpec& into) {
  into.kind = GaugeSpec::Kind::metric;
  const std::size_t brace = text.find('{');
  into.source = std::string(text.substr(0, brace));
  if (!is_word(into.source)) return false;
  if (brace == std::string_view::npos) return true;
  return text.back() == '}' && read_labels(text.substr(brace + 1, text.size() - brace - 2), into);
}

bool read_source(const std::string& text, GaugeSpec& into) {
  if (text.find('{') != std::string::npos) return read_metric(text, into);
  const std::vector<std::string> words = words_of(text);
  if (words.size() == 1) return read_metric(words[0], into);
  if (words.size() == 2 && words[0] == "redis" && is_word(words[1])) {
    into.kind = GaugeSpec::Kind::redis;
    into.source = words[1];
    return true;
  }
  const std::vector<std::string> figures{"rss", "descriptors", "threads"};
  if (words.size() != 3 || words[0] != "process" ||
      std::ranges::find(figures, words[2]) == figures.end()) {
    return false;
  }
  into.kind = GaugeSpec::Kind::process;
  into.source = words[1];
  into.figure = words[2];
  return true;
}

}  // namespace

void read_gauges(const YamlNode* node, const Values& values, Problems& problems,
                 std::vector<GaugeSpec>& into) {
  for (const YamlNode::Member& member : values.members(node, "a map of gauges")) {
    GaugeSpec gauge;
    gauge.name = member.key->text;
    if (!is_name(gauge.name)) {
      problems.report(*member.key, "\"" + gauge.name + "\" is not a name",
                      "a letter, then letters, digits, _ and -, at most 64 in all");
    }
    if (into.size() == gauges_max) {
      problems.report(*member.key, "more than " + std::to_string(gauges_max) + " gauges");
      return;
    }
    std::string text;
    values.text(member.value.get(), text);
    const bool scalar = member.value->kind == YamlNode::Kind::scalar;
    if (scalar && !read_source(text, gauge)) {
      problems.report(*member.value, "\"" + text + "\" is no figure of the target",
                      std::string(forms));
    }
    into.push_back(std::move(gauge));
  }
}

}  // namespace stampede
