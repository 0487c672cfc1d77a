// What a step takes out of its answer, and what it expects of it: captures and checks.
#include <algorithm>

#include "harness/profile/profile_reader_steps.hpp"

namespace stampede {

namespace {

constexpr std::size_t checks_max = 100;  // of one step
constexpr std::uint32_t match_max = 1000;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

// May a character stand in the name of a header?
bool is_token_char(char c) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

}  // namespace

std::vector<CaptureSpec> StepReader::read_captures(const YamlNode* node, bool headers_allowed) {
  std::vector<CaptureSpec> captures;
  for (const YamlNode::Member& member : values_.members(node, "a map of captures")) {
    CaptureSpec capture;
    capture.variable = member.key->text;
    capture.place = member.key->place;
    read_capture(*member.value, headers_allowed, capture);
    captures.push_back(std::move(capture));
  }
  return captures;
}

// "/pointer", or "/pointer?" for one that may be absent.
void StepReader::read_pointer(const YamlNode* node, CaptureSpec& capture) {
  if (node == nullptr) return;
  values_.text(node, capture.pointer);
  if (node->kind != YamlNode::Kind::scalar) return;
  if (capture.pointer.ends_with('?')) {
    capture.optional = true;
    capture.pointer.pop_back();
  }
  if (is_json_pointer(capture.pointer)) return;
  problems_.report(*node, in_quotes(capture.pointer) + " is not a JSON pointer",
                   capture.pointer.starts_with('$') ? "JSON pointers, not JSONPath: /items/0/id"
                                                    : "it starts with /, as in /items/0/id");
}

void StepReader::read_capture(const YamlNode& node, bool headers_allowed, CaptureSpec& capture) {
  if (node.kind != YamlNode::Kind::map) {
    read_pointer(&node, capture);
    return;
  }
  if (node.find("cells") != nullptr) {
    read_cells(node, capture);
    return;
  }
  const bool known = node.find("json") != nullptr || node.find("regex") != nullptr ||
                     (node.find("header") != nullptr && headers_allowed);
  if (!known) {
    problems_.report(node,
                     "a capture is a JSON pointer, " +
                         std::string(headers_allowed ? "a header, " : "") +
                         "a regular expression or cells",
                     "/items/0/id, {header: Location}, {regex: 'id=([0-9]+)'}, "
                     "{cells: /bits, count: 1}");
    return;
  }
  read_one_capture(node, headers_allowed, capture);
}

// {json: …}, {header: …}, {regex: …}, with what shall be when it is absent.
void StepReader::read_one_capture(const YamlNode& node, bool headers_allowed,
                                  CaptureSpec& capture) {
  const bool regex = node.find("regex") != nullptr;
  std::vector<std::string> keys{"default", "optional"};
  if (regex) keys.insert(keys.end(), {"regex", "group", "match"});
  if (!regex && node.find("json") != nullptr) {
    keys.emplace_back("json");
  } else if (headers_allowed) {
    keys.emplace_back("header");
  }
  const Fields fields(problems_, &node, regex ? "a regular expression's capture" : "a capture",
                      keys);
  if (const YamlNode* const header = fields.find("header"); header != nullptr && headers_allowed) {
    capture.from = CaptureSpec::From::header;
    read_header_name(header, capture);
  }
  if (regex) {
    read_regex(node, headers_allowed, capture);
  } else if (const YamlNode* const pointer = fields.find("json")) {
    read_pointer(pointer, capture);
  }
  values_.flag(fields.find("optional"), capture.optional);
  if (const YamlNode* const otherwise = fields.find("default")) {
    values_.source(otherwise, capture.otherwise.emplace());
  }
}

void StepReader::read_header_name(const YamlNode* node, CaptureSpec& capture) {
  values_.text(node, capture.pointer);
  if (capture.pointer.ends_with('?')) {
    capture.optional = true;
    capture.pointer.pop_back();
  }
  const bool token = std::all_of(capture.pointer.begin(), capture.pointer.end(), is_token_char);
  if (!token || capture.pointer.empty()) {
    problems_.report(*node, in_quotes(capture.pointer) + " cannot name a header");
  }
}

// Its header, if it has one, is in capture.pointer already.
void StepReader::read_regex(const YamlNode& node, bool headers_allowed, CaptureSpec& capture) {
  using Which = CaptureSpec::Which;
  capture.from = CaptureSpec::From::regex;
  if (!headers_allowed) capture.pointer.clear();
  values_.source(node.find("regex").get(), capture.pattern);
  if (const YamlNodePtr group = node.find("group")) {
    values_.whole(group.get(), capture.group.emplace(0), 0, 16);
  }
  const YamlNodePtr match = node.find("match");
  if (match == nullptr) return;
  if (match->text == "last") {
    capture.which = Which::last;
  } else if (match->text == "random") {
    capture.which = Which::random;
  } else if (match->text == "count") {
    capture.which = Which::count;
  } else if (match->kind == YamlNode::Kind::scalar && !parse_number(match->text)) {
    problems_.report(*match, "unknown match " + in_quotes(match->text),
                     "a number from 1, last, random or count");
  } else {
    values_.whole(match.get(), capture.nth, 1, match_max);
  }
}

void StepReader::read_cells(const YamlNode& node, CaptureSpec& capture) {
  Fields fields(problems_, &node, "a cells capture", {"cells", "bits", "value", "count", "total"});
  capture.from = CaptureSpec::From::cells;
  read_pointer(fields.find("cells"), capture);
  values_.whole(fields.find("bits"), capture.cell_bits, 1, 8);
  if (8 % capture.cell_bits != 0) {
    problems_.report(*fields.find("bits"), "cells do not cross bytes", "1, 2, 4 or 8");
    capture.cell_bits = 8;
  }
  values_.whole(fields.find("value"), capture.cell_value, 0, (1U << capture.cell_bits) - 1);
  values_.source(fields.require("count", "how many cells to pick, an expression"),
                 capture.cell_count);
  const YamlNode* const total = fields.find("total");
  values_.text(total, capture.cell_total);
  if (!is_json_pointer(capture.cell_total)) {
    problems_.report(*total, in_quotes(capture.cell_total) + " is not a JSON pointer",
                     "it starts with /, as in /n");
  }
}

std::vector<CheckSpec> StepReader::read_checks(const YamlNode* node) {
  std::vector<CheckSpec> checks;
  const auto add = [this, &checks](const YamlNode& item) {
    CheckSpec spec;
    values_.source(&item, spec.text);
    if (item.kind != YamlNode::Kind::scalar) return;
    auto check = parse_check(item.text);
    if (!check) {
      for (const Diagnostic& problem : check.error()) {
        problems_.report(item, "check: " + problem.message, problem.hint,
                         static_cast<std::size_t>(problem.place.column - 1));
      }
      return;
    }
    spec.value = {check->value, item.place, item.rewritten};
    if (!item.rewritten) spec.value.place.column += static_cast<int>(check->value_at);
    spec.check = std::move(*check);
    checks.push_back(std::move(spec));
  };
  if (node != nullptr && node->kind == YamlNode::Kind::scalar) {
    add(*node);
    return checks;
  }
  for (const YamlNodePtr& item : values_.list(node, "a list of checks")) {
    if (checks.size() == checks_max) {
      problems_.report(*item, "more than " + std::to_string(checks_max) + " checks");
      return checks;
    }
    add(*item);
  }
  return checks;
}

}  // namespace stampede
