#include "harness/profile/profile_reader_yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

namespace stampede {

namespace {

Place place_of(const YAML::Mark& mark) {
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

// Ends the parse: what follows would only cost time or stack.
struct TooMuch {
  Place place;
  std::string message;
};

// Subtle: the parser takes every "?" in a flow map for the start of a key, even the one that ends
// {a: /b?}. A "?" behind another character cannot be one, so it is handed over as a byte that no
// valid text contains, and put back into the scalars.
constexpr char hidden_question_mark = '\x1f';

std::string with_hidden_question_marks(std::string_view text) {
  constexpr std::string_view may_precede_a_key = " \t\r\n{[,";
  std::string result(text);
  for (std::size_t at = 1; at < text.size(); ++at) {
    const bool within_word = may_precede_a_key.find(text[at - 1]) == std::string_view::npos;
    if (text[at] == '?' && within_word) result[at] = hidden_question_mark;
  }
  return result;
}

// Where the content of a scalar starts, and whether the file spells it as the parser gave it.
struct Spelling {
  std::size_t offset = 0;
  bool quoted = false;
  bool rewritten = false;
};

// Skips anchors and tags, which the parser's mark includes.
std::size_t skip_properties(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
    at = std::min(text.find_first_of(" \t\r\n", at), text.size());
    at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
  }
  return at;
}

Spelling spelling_of(std::string_view text, std::size_t mark, const std::string& value) {
  Spelling spelling;
  spelling.offset = skip_properties(text, mark);
  if (spelling.offset >= text.size()) return spelling;
  const char first = text[spelling.offset];
  if (first == '|' || first == '>') {
    // The content starts in the next line that is not blank. Only a literal block is spelled as it
    // is.
    spelling.quoted = true;
    spelling.rewritten = first == '>';
    const std::size_t line = text.find('\n', spelling.offset);
    spelling.offset = std::min(text.find_first_not_of(" \r\n", line), text.size());
    return spelling;
  }
  spelling.quoted = first == '"' || first == '\'';
  if (spelling.quoted) ++spelling.offset;
  spelling.rewritten = !text.substr(spelling.offset).starts_with(value);
  return spelling;
}

// Makes nodes of the parser's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, Diagnostics& problems) : text_(text), problems_(problems) {}

  YamlNodePtr root() { return root_; }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = std::make_shared<YamlNode>();
    node->place = place_of(mark);
    // What is left out has the mark of whatever comes next; its key says more.
    const auto at = std::min(static_cast<std::size_t>(std::max(0, mark.pos)), text_.size());
    const bool written = text_.substr(at).starts_with('~') || text_.substr(at, 1) == "n" ||
                         text_.substr(at, 1) == "N";
    if (!written && !open_.empty() && open_.back().key != nullptr) {
      node->place = open_.back().key->place;
    }
    count(1, node->place);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Place place = place_of(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw TooMuch{place, "an alias within its own anchor"};
    const YamlNodePtr node = found->second;
    if (open_.size() + node->height > yaml_depth_max) throw too_deep(place);
    count(node->weight, place);
    put(node, place);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = std::make_shared<YamlNode>();
    node->kind = YamlNode::Kind::scalar;
    node->text = value;
    std::replace(node->text.begin(), node->text.end(), hidden_question_mark, '?');
    node->place = place_of(mark);
    check_tag(tag, node->place);
    const auto at = static_cast<std::size_t>(std::max(0, mark.pos));
    const Spelling spelling = spelling_of(text_, at, node->text);
    node->quoted = spelling.quoted;
    node->rewritten = spelling.rewritten;
    move(node->place, at, spelling.offset);
    count(1, node->place);
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    start(YamlNode::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    start(YamlNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    YamlNodePtr key;                   // read, and waiting for its value
    std::map<std::string, int> lines;  // of the keys so far
  };

  static TooMuch too_deep(Place place) {
    return {place, "nested deeper than " + std::to_string(yaml_depth_max) + " levels"};
  }

  void count(std::uint64_t nodes, Place place) {
    nodes_ += std::min(nodes, yaml_nodes_max + 1);
    if (nodes_ <= yaml_nodes_max) return;
    throw TooMuch{
        place, "more than " + std::to_string(yaml_nodes_max) + " values once aliases are followed"};
  }

  // Moves a place forward by the text between two offsets.
  void move(Place& place, std::size_t from, std::size_t to) const {
    for (std::size_t at = from; at < std::min(to, text_.size()); ++at) {
      if (text_[at] == '\n') {
        ++place.line;
        place.column = 1;
      } else {
        ++place.column;
      }
    }
  }

  void check_tag(const std::string& tag, Place place) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    problems_.push_back({"", place, "tags are not supported: " + tag, "leave it out"});
  }

  void start(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->place = place_of(mark);
    check_tag(tag, node->place);
    if (open_.size() >= yaml_depth_max) throw too_deep(node->place);
    count(1, node->place);
    open_.push_back({std::move(node), anchor, nullptr, {}});
  }

  void end() {
    const Open closed = std::move(open_.back());
    open_.pop_back();
    add(closed.node, closed.anchor);
  }

  void add(YamlNodePtr node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    const Place place = node->place;
    put(std::move(node), place);
  }

  // Puts a finished node where it belongs. `place` is where it was mentioned (an alias has its
  // own).
  void put(const YamlNodePtr& node, Place place) {
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Open& parent = open_.back();
    parent.node->weight += node->weight;
    parent.node->height = std::max(parent.node->height, node->height + 1);
    if (parent.node->kind == YamlNode::Kind::list) {
      parent.node->items.push_back(node);
    } else if (parent.key == nullptr) {
      check_key(parent, *node, place);
      parent.key = node;
    } else {
      if (parent.key->kind == YamlNode::Kind::scalar) {
        parent.node->members.push_back({parent.key, node});
      }
      parent.key = nullptr;
    }
  }

  void check_key(Open& parent, const YamlNode& key, Place place) {
    if (key.kind != YamlNode::Kind::scalar) {
      problems_.push_back({"", place, "a key must be a text", ""});
      return;
    }
    const auto [known, added] = parent.lines.try_emplace(key.text, place.line);
    if (added) return;
    problems_.push_back({"", place, "duplicate key \"" + key.text + "\"",
                         "the first one stands in line " + std::to_string(known->second)});
  }

  std::string_view text_;
  Diagnostics& problems_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNodePtr> anchors_;
  std::uint64_t nodes_ = 0;
  YamlNodePtr root_;
};

// Is there anything after the first document?
class Nothing : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { throw TooMuch{place_of(mark), ""}; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}
};

std::string syntax_hint(std::string_view text, Place place, const std::string& message) {
  std::string_view line = text;
  for (int at = 1; at < place.line; ++at)
    line.remove_prefix(std::min(line.find('\n'), line.size() - 1) + 1);
  line = line.substr(0, line.find('\n'));
  if (line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos) {
    return "indent with spaces, not with tabs";
  }
  if (message == "illegal map value") return "quote a text that contains \": \"";
  if (message.starts_with("end of map") || message.starts_with("end of sequence")) {
    return "check the indentation and the brackets; quote a text that contains { } [ ] or ,";
  }
  return {};
}

// Length of the UTF-8 sequence that starts here; 0: none does.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t at) -> unsigned {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0U) != 0x80U) return 0;
  }
  return length;
}

// Bytes that would shift the parser's places, or that no profile needs.
bool check_characters(std::string_view text, Diagnostics& problems) {
  Place place{1, 1};
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text.substr(at));
    const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
    if (length == 0 || control) {
      problems.push_back({"", place, control ? "a control character" : "not UTF-8", ""});
      return false;
    }
    place.column = c == '\n' ? 1 : place.column + static_cast<int>(length);
    if (c == '\n') ++place.line;
    at += length;
  }
  return true;
}

void check_single_document(YAML::Parser& parser, Diagnostics& problems) {
  Nothing nothing;
  try {
    parser.HandleNextDocument(nothing);
  } catch (const TooMuch& second) {
    problems.push_back({"", second.place, "a second document", "a profile is one YAML document"});
  }
}

}  // namespace

YamlNodePtr YamlNode::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key->text == key) return member.value;
  }
  return nullptr;
}

YamlNodePtr parse_yaml(std::string_view text, Diagnostics& problems) {
  if (text.size() > yaml_bytes_max) {
    problems.push_back({"", {}, "larger than " + std::to_string(yaml_bytes_max) + " bytes", ""});
    return nullptr;
  }
  if (!check_characters(text, problems)) return nullptr;
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);  // the parser does not count it either
  Builder builder(text, problems);
  try {
    std::istringstream in{with_hidden_question_marks(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return std::make_shared<YamlNode>();
    check_single_document(parser, problems);
    return builder.root();
  } catch (const TooMuch& limit) {
    problems.push_back({"", limit.place, limit.message, ""});
  } catch (const YAML::Exception& error) {
    const Place place = place_of(error.mark);
    problems.push_back({"", place, "YAML: " + error.msg, syntax_hint(text, place, error.msg)});
  }
  return nullptr;
}

namespace {

std::shared_ptr<YamlNode> marked(const YamlNode& node, std::size_t number) {
  auto copy = std::make_shared<YamlNode>(node);
  copy->set = number;
  copy->place = {};
  for (YamlNodePtr& item : copy->items) item = marked(*item, number);
  for (YamlNode::Member& member : copy->members) {
    member = {marked(*member.key, number), marked(*member.value, number)};
  }
  return copy;
}

// One override on its way down its path. Nodes on the path are copied, so that what aliases share
// stays.
struct Override {
  std::vector<std::string> path;
  YamlNodePtr value;
  std::size_t number;
  std::string problem, hint;

  [[nodiscard]] std::string path_until(std::size_t depth) const {
    std::string text;
    for (std::size_t at = 0; at < depth; ++at) text += (at == 0 ? "" : ".") + path[at];
    return text;
  }

  YamlNodePtr applied(const YamlNodePtr& node, std::size_t depth) {
    if (depth == path.size()) return value;
    auto copy = node == nullptr ? std::make_shared<YamlNode>() : std::make_shared<YamlNode>(*node);
    if (node == nullptr) copy->set = number;
    if (copy->kind == YamlNode::Kind::null) copy->kind = YamlNode::Kind::map;
    if (copy->kind == YamlNode::Kind::list) return in_list(std::move(copy), depth);
    if (copy->kind == YamlNode::Kind::map) return in_map(std::move(copy), depth);
    problem = "\"" + path_until(depth) + "\" is a single value and has no \"" + path[depth] + "\"";
    return node;
  }

  YamlNodePtr in_list(std::shared_ptr<YamlNode> list, std::size_t depth) {
    const std::string& part = path[depth];
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
    if (error != std::errc{} || end != part.data() + part.size() || index >= list->items.size()) {
      problem = "\"" + path_until(depth) + "\" is a list of " + std::to_string(list->items.size()) +
                " and has no \"" + part + "\"";
      hint = "items are numbered from 0";
      return list;
    }
    list->items[index] = applied(list->items[index], depth + 1);
    return list;
  }

  YamlNodePtr in_map(std::shared_ptr<YamlNode> map, std::size_t depth) {
    for (YamlNode::Member& member : map->members) {
      if (member.key->text != path[depth]) continue;
      member.value = applied(member.value, depth + 1);
      return map;
    }
    const bool named_by_author = depth == 1 && (path[0] == "scenarios" || path[0] == "personas");
    if (named_by_author && depth + 1 < path.size()) {
      std::vector<std::string> names;
      for (const YamlNode::Member& member : map->members) names.push_back(member.key->text);
      const std::string_view near = nearest(path[1], names);
      problem = "\"" + path[0] + "\" has no \"" + path[1] + "\"";
      if (!near.empty()) hint = "did you mean \"" + std::string(near) + "\"?";
      return map;
    }
    auto key = std::make_shared<YamlNode>();
    key->kind = YamlNode::Kind::scalar;
    key->text = path[depth];
    key->set = number;
    map->members.push_back({std::move(key), applied(nullptr, depth + 1)});
    return map;
  }
};

std::vector<std::string> split_path(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t dot = text.find('.');
    parts.emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

YamlNodePtr with_override(const YamlNodePtr& root, const std::string& assignment,
                          std::size_t number, Diagnostics& problems) {
  const auto fail = [&](std::string message, std::string hint) {
    problems.push_back({"--set", {}, message + " (in \"" + assignment + "\")", std::move(hint)});
    return root;
  };
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos) return fail("no \"=\"", "--set drain=5s");
  Override change{
      split_path(std::string_view(assignment).substr(0, equals)), nullptr, number, {}, {}};
  const bool hollow = std::any_of(change.path.begin(), change.path.end(),
                                  [](const std::string& part) { return part.empty(); });
  if (hollow || change.path.size() > yaml_depth_max / 2)
    return fail("not a path", "--set drain=5s");
  Diagnostics value_problems;
  const YamlNodePtr value =
      parse_yaml(std::string_view(assignment).substr(equals + 1), value_problems);
  if (value == nullptr || !value_problems.empty()) {
    return fail(value_problems.empty() ? "no value" : value_problems.front().message, "");
  }
  if (value->height > yaml_depth_max / 2) return fail("nested too deeply", "");
  change.value = marked(*value, number);
  YamlNodePtr result = change.applied(root, 0);
  if (!change.problem.empty()) return fail(change.problem, change.hint);
  return result;
}

}  // namespace stampede
