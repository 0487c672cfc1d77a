#include "harness/profile/profile_reader_data.hpp"

#include <algorithm>
#include <array>

namespace stampede {

namespace {

constexpr std::size_t tag_bytes_max = 64;
constexpr std::size_t path_bytes_max = 4096;
// Exponents of a popularity. Beyond, nearly every choice is the first row.
constexpr double zipf_least = 0.01, zipf_most = 5;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

Place place_of(const YamlNode& node) { return node.set > 0 ? Place{} : node.place; }

bool is_tag_value(std::string_view text) {
  return !text.empty() && text.size() <= tag_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

// What Lua can name: a letter, then letters, digits and _.
bool is_identifier(std::string_view text) {
  return is_name(text) && text.find('-') == std::string_view::npos;
}

bool is_environment_name(std::string_view text) {
  return !text.empty() && text.size() <= 256 && text.find_first_of("=\n\t ") == text.npos;
}

}  // namespace

void read_tags(Problems& problems, const YamlNode* node, Tags& into) {
  const Values values(problems);
  for (const YamlNode::Member& member : values.members(node, "a map of tags")) {
    if (!is_name(member.key->text)) {
      problems.report(*member.key, in_quotes(member.key->text) + " is not a name",
                      "a letter, then letters, digits, _ and -, at most 64 in all");
    }
    if (into.size() == tags_max) {
      problems.report(*member.key, "more than " + std::to_string(tags_max) + " tags");
      return;
    }
    std::string value;
    values.text(member.value.get(), value);
    if (member.value->kind == YamlNode::Kind::scalar && !is_tag_value(value)) {
      problems.report(*member.value, in_quotes(value) + " cannot be the value of a tag",
                      "letters, digits, _, - and ., at most 64");
    }
    into[member.key->text] = value;
  }
}

void DataReader::read(const Fields& fields, Profile& profile) {
  read_tags(problems_, fields.find("tags"), profile.tags);
  read_secrets(fields.find("secrets"), profile);
  read_feeders(fields.find("feeders"), profile);
  read_functions(fields, profile);
}

void DataReader::read_scenario(const Fields& fields, const Profile& profile,
                               ScenarioSpec& scenario) {
  read_tags(problems_, fields.find("tags"), scenario.tags);
  const auto add = [&](const YamlNode& node) {
    std::string name;
    values_.text(&node, name);
    if (node.kind != YamlNode::Kind::scalar) return;
    std::vector<std::string> names;
    for (const FeederSpec& feeder : profile.feeders) names.push_back(feeder.name);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const std::string_view near = nearest(name, names);
      problems_.report(
          node, "unknown feeder " + in_quotes(name),
          near.empty() ? "name it in `feeders`" : "did you mean " + in_quotes(near) + "?");
    }
    scenario.feed.emplace_back(name, place_of(node));
  };
  const YamlNode* const feed = fields.find("feed");
  if (feed != nullptr && feed->kind == YamlNode::Kind::scalar) return add(*feed);
  for (const YamlNodePtr& item : values_.list(feed, "a list of feeders")) add(*item);
}

void DataReader::read_feeders(const YamlNode* node, Profile& profile) {
  for (const YamlNode::Member& member : values_.members(node, "a map of feeders")) {
    const std::string& name = member.key->text;
    if (!is_identifier(name) || name == "secret") {
      problems_.report(*member.key, in_quotes(name) + " cannot name a feeder",
                       name == "secret" ? "${secret.…} are the secrets"
                                        : "a letter, then letters, digits and _");
    }
    if (profile.feeders.size() == feeders_max) {
      problems_.report(*member.key, "more than " + std::to_string(feeders_max) + " feeders");
      return;
    }
    profile.feeders.push_back(read_feeder(*member.key, *member.value));
  }
}

FeederSpec DataReader::read_feeder(const YamlNode& key, const YamlNode& node) {
  FeederSpec feeder;
  feeder.name = key.text;
  feeder.place = place_of(key);
  Fields fields(problems_, &node, "a feeder",
                {"file", "mode", "format", "delimiter", "partition", "zipf"});
  const YamlNode* const file = fields.require("file", "file: users.csv, relative to the profile");
  values_.text(file, feeder.file);
  if (feeder.file.size() > path_bytes_max) problems_.report(*file, "a path longer than 4096 bytes");
  if (file != nullptr && file->kind == YamlNode::Kind::scalar && feeder.file.empty()) {
    problems_.report(*file, "an empty path", "users.csv");
  }
  read_mode(fields.find("mode"), feeder);
  read_format(fields, feeder);
  feeder.by_worker = feeder.mode != FeederSpec::Mode::random;
  read_partition(fields.find("partition"), feeder);
  read_zipf(fields.find("zipf"), feeder);
  return feeder;
}

void DataReader::read_mode(const YamlNode* node, FeederSpec& feeder) {
  using Mode = FeederSpec::Mode;
  constexpr std::array<std::pair<std::string_view, Mode>, 4> modes{{{"queue", Mode::queue},
                                                                    {"circular", Mode::circular},
                                                                    {"random", Mode::random},
                                                                    {"unique", Mode::unique}}};
  std::string written = "queue";
  values_.text(node, written);
  for (const auto& [name, mode] : modes) {
    if (written != name) continue;
    feeder.mode = mode;
    return;
  }
  if (node->kind == YamlNode::Kind::scalar) {
    problems_.report(*node, "unknown mode " + in_quotes(written),
                     "queue, circular, random or unique");
  }
}

// By the file's name, unless it is said.
void DataReader::read_format(const Fields& fields, FeederSpec& feeder) {
  const auto ends = [&feeder](std::string_view end) { return feeder.file.ends_with(end); };
  std::string format = ends(".jsonl") || ends(".ndjson") ? "jsonl" : "csv";
  const YamlNode* const written = fields.find("format");
  values_.text(written, format);
  if (format == "jsonl") {
    feeder.format = FeederSpec::Format::json_lines;
  } else if (format != "csv") {
    problems_.report(*written, "unknown format " + in_quotes(format), "csv or jsonl");
  }
  std::string delimiter = ends(".tsv") ? "tab" : ",";
  const YamlNode* const separator = fields.find("delimiter");
  values_.text(separator, delimiter);
  if (delimiter == "tab") delimiter = "\t";
  if (delimiter.size() == 1 && std::string_view(",;|\t").find(delimiter) != std::string::npos) {
    feeder.delimiter = delimiter.front();
  } else if (separator->kind == YamlNode::Kind::scalar) {
    problems_.report(*separator, in_quotes(delimiter) + " is no delimiter",
                     "\",\", \";\", \"|\" or tab");
  }
}

void DataReader::read_partition(const YamlNode* node, FeederSpec& feeder) {
  if (node == nullptr) return;
  std::string partition;
  values_.text(node, partition);
  if (node->kind != YamlNode::Kind::scalar) return;
  if (partition != "worker" && partition != "none") {
    problems_.report(*node, "unknown partition " + in_quotes(partition), "worker or none");
  } else if (partition == "none" && feeder.mode == FeederSpec::Mode::unique) {
    problems_.report(*node, "rows that every worker goes through are not unique",
                     "leave out `partition`, or choose another mode");
  }
  feeder.by_worker = partition == "worker";
}

// Popular rows are those of all workers: a part of them would have another popularity.
void DataReader::read_zipf(const YamlNode* node, FeederSpec& feeder) {
  if (node == nullptr) return;
  values_.number(node, feeder.zipf, zipf_least, zipf_most);
  if (feeder.mode != FeederSpec::Mode::random) {
    problems_.report(*node, "only rows that are drawn at random have a popularity", "mode: random");
  } else if (feeder.by_worker) {
    problems_.report(*node, "a popularity is that of all rows", "leave out `partition`");
  }
}

void DataReader::read_secrets(const YamlNode* node, Profile& profile) {
  for (const YamlNode::Member& member : values_.members(node, "a map of secrets")) {
    if (!is_identifier(member.key->text)) {
      problems_.report(*member.key, in_quotes(member.key->text) + " cannot name a secret",
                       "a letter, then letters, digits and _");
    }
    if (profile.secrets.size() == secrets_max) {
      problems_.report(*member.key, "more than " + std::to_string(secrets_max) + " secrets");
      return;
    }
    SecretSpec secret;
    secret.name = member.key->text;
    secret.place = place_of(*member.key);
    if (member.value->kind == YamlNode::Kind::scalar) {
      // Its text is not repeated: it may be the secret itself.
      problems_.report(*member.value, "a secret does not stand in the profile",
                       "{env: NAME} or {file: PATH}");
      continue;
    }
    const Fields fields(problems_, member.value.get(), "a secret", {"env", "file"});
    const YamlNode* const environment = fields.find("env");
    const YamlNode* const file = fields.find("file");
    values_.text(environment, secret.environment);
    values_.text(file, secret.file);
    if (!fields.is_map()) continue;
    if ((environment == nullptr) == (file == nullptr)) {
      problems_.report(*member.value, "a secret comes from one place",
                       "{env: NAME} or {file: PATH}");
    } else if (environment != nullptr && !is_environment_name(secret.environment)) {
      problems_.report(*environment, "that cannot name a variable of the environment", "API_KEY");
    } else if (file != nullptr && (secret.file.empty() || secret.file.size() > path_bytes_max)) {
      problems_.report(*file, "that is no path");
    } else {
      profile.secrets.push_back(std::move(secret));
    }
  }
}

void DataReader::read_functions(const Fields& fields, Profile& profile) {
  const YamlNode* const functions = fields.find("functions");
  const YamlNode* const file = fields.find("functions_file");
  values_.source(functions, profile.functions);
  values_.text(file, profile.functions_file);
  if (functions != nullptr && file != nullptr) {
    problems_.report(*file, "functions stand in the profile or in a file, not in both");
  }
  if (profile.functions.text.size() > functions_bytes_max) {
    problems_.report(*functions, "longer than " + std::to_string(functions_bytes_max) + " bytes");
  }
  if (file != nullptr && file->kind == YamlNode::Kind::scalar && profile.functions_file.empty()) {
    problems_.report(*file, "an empty path", "functions.lua");
  }
  if (file != nullptr) profile.functions.place = place_of(*file);
}

}  // namespace stampede
