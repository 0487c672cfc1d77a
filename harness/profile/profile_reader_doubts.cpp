#include "harness/profile/profile_reader_doubts.hpp"

#include <tuple>

namespace stampede {

namespace {

// Keys whose maps give names to variables.
bool names_variables(std::string_view key) {
  return key == "capture" || key == "set" || key == "variables";
}

void collect_variables(const YamlNode& node, std::set<std::string>& names) {
  for (const YamlNodePtr& item : node.items) collect_variables(*item, names);
  for (const YamlNode::Member& member : node.members) {
    if (names_variables(member.key->text)) {
      for (const YamlNode::Member& one : member.value->members) names.insert(one.key->text);
    }
    collect_variables(*member.value, names);
  }
}

void collect_steps(const YamlNode& node, std::set<std::string>& names) {
  for (const YamlNodePtr& item : node.items) collect_steps(*item, names);
  for (const YamlNode::Member& member : node.members) {
    if (member.key->text == "name") names.insert(member.value->text);
    collect_steps(*member.value, names);
  }
}

bool is_before(Place a, Place b) { return std::tie(a.line, a.column) < std::tie(b.line, b.column); }

// The top-level key that a place lies under; nullptr: none.
const YamlNode* section_at(const YamlNode& root, Place place) {
  const YamlNode* found = nullptr;
  for (const YamlNode::Member& member : root.members) {
    const Place begin = member.key->place;
    if (begin.line == 0 || is_before(place, begin)) continue;
    if (found == nullptr || is_before(found->place, begin)) found = member.key.get();
  }
  return found;
}

}  // namespace

std::set<std::string> step_names_in(const YamlNode& root) {
  std::set<std::string> names;
  collect_steps(root, names);
  return names;
}

Doubts doubts_of(const YamlNode& root, const Diagnostics& problems, std::string_view file) {
  Doubts doubts;
  collect_variables(root, doubts.names);
  for (const char* const section : {"feeders", "secrets"}) {
    const YamlNodePtr node = root.kind == YamlNode::Kind::map ? root.find(section) : nullptr;
    if (node == nullptr) continue;
    const bool secrets = std::string_view(section) == "secrets";
    if (secrets) doubts.groups.insert("secret");
    for (const YamlNode::Member& member : node->members) {
      if (!secrets) doubts.groups.insert(member.key->text);
    }
  }
  // What is not there at all has its problem elsewhere.
  for (const char* const needed : {"scenarios", "personas"}) {
    if (root.find(needed) == nullptr) doubts.sections.insert(needed);
  }
  for (const Diagnostic& problem : problems) {
    const bool placed = problem.file == file && problem.place.line > 0;
    const YamlNode* const section = placed ? section_at(root, problem.place) : nullptr;
    if (section == nullptr) {
      doubts.everything = true;  // of --set, or of the whole
    } else {
      doubts.sections.insert(section->text);
    }
    doubts.places.insert({problem.place.line, problem.place.column});
  }
  return doubts;
}

}  // namespace stampede
