// What a profile brings from beside itself: rows of data files, secrets, functions.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "harness/profile/profile_reader_data.hpp"
#include "harness/profile/secrets.hpp"
#include "harness/scenario/compiler.hpp"

namespace stampede {

namespace {

// Lua cuts longer names of chunks.
std::string short_name(const std::string& file) {
  constexpr std::size_t bytes_max = 50;
  const std::string name = std::filesystem::path(file).filename().string();
  return name.size() <= bytes_max ? name : "functions";
}

}  // namespace

void Compiler::load_feeders() {
  for (const FeederSpec& spec : profile_.feeders) {
    CompiledFeeder feeder{spec.name, nullptr, spec.mode, spec.by_worker, {}, spec.place, spec.zipf};
    // Without a path: the reader has told why.
    const bool readable = doubts_ == nullptr || !spec.file.empty();
    auto rows = readable ? read_feeder(spec, profile_.file) : Checked<FeederRows>(Diagnostics{});
    if (rows) {
      feeder.rows = std::move(*rows);
    } else {
      std::ranges::move(rows.error(), std::back_inserter(problems_));
    }
    run_.feeders.push_back(std::move(feeder));
  }
}

// A column whose name stands nowhere in the profile needs no slot in every session.
bool Compiler::mentions(std::string_view name) const {
  return profile_.text.empty() || profile_.text.find(name) != std::string::npos ||
         run_.functions.text.find(name) != std::string::npos;
}

// "accounts.name", "secret.api_key"; values of secrets are the same for every session.
void Compiler::collect_data_slots() {
  if (!profile_.functions_file.empty()) {
    std::ifstream in(path_beside(profile_.file, profile_.functions_file), std::ios::binary);
    std::string text(functions_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    run_.functions.text = std::move(text);
    run_.functions.chunk_name = short_name(profile_.functions_file);
  } else {
    run_.functions.text = profile_.functions.text;
    run_.functions.chunk_name =
        profile_.functions.rewritten ? "functions" : short_name(profile_.file);
    const int line = profile_.functions.place.line;
    run_.functions.first_line = profile_.functions.rewritten ? 1 : std::max(1, line);
  }
  for (CompiledFeeder& feeder : run_.feeders) {
    if (feeder.rows == nullptr) continue;
    const auto& columns = feeder.rows->columns();
    for (std::size_t column = 0; column < columns.size(); ++column) {
      if (!mentions(columns[column])) continue;
      feeder.columns.emplace_back(static_cast<std::uint32_t>(run_.slots.size()), column);
      run_.slots.push_back(feeder.name + "." + columns[column]);
    }
  }
  std::vector<std::string> values;
  for (const SecretSpec& secret : profile_.secrets) {
    run_.run_values.emplace_back(static_cast<std::uint32_t>(run_.slots.size()), secret.value);
    run_.slots.push_back("secret." + secret.name);
    values.push_back(secret.value);
  }
  run_.redactor = Redactor(values);
}

// A variable may not hide a feeder or the secrets from expressions.
void Compiler::check_data_name(const std::string& name, Place place) {
  const bool feeder = std::any_of(run_.feeders.begin(), run_.feeders.end(),
                                  [&name](const CompiledFeeder& one) { return one.name == name; });
  const bool secrets = name == "secret" && !profile_.secrets.empty();
  if (!feeder && !secrets) return;
  report(place,
         "variable \"" + name + "\" has the name of " + (feeder ? "a feeder" : "the secrets"),
         "choose another name");
}

void Compiler::compile_functions() {
  UserFunctions& functions = run_.functions;
  const std::string& file = profile_.functions_file;
  const Place place = profile_.functions.place;
  functions_failed_ = true;  // until it is known better
  if (!file.empty()) {
    const std::string path = path_beside(profile_.file, file);
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      return report(place, "there is no file " + path, "the path is relative to the profile");
    }
    if (functions.text.size() > functions_bytes_max) {
      return report(place,
                    path + " is longer than " + std::to_string(functions_bytes_max) + " bytes");
    }
  }
  functions_failed_ = doubts_ != nullptr && doubts_->in("functions");
  if (functions.text.empty()) return;
  const auto problems = stampede::compile_functions(functions, run_.slots);
  // None of them is known; one that merely has a problem of its own is.
  functions_failed_ = functions_failed_ || (!problems.empty() && functions.names.empty());
  for (const FunctionsProblem& problem : problems) {
    if (!problem.unknown.empty() && may_exist(problem.unknown, false)) continue;
    const auto before = std::string_view(functions.text).substr(0, problem.offset);
    const auto lines = static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    const auto in_line = static_cast<int>(before.size() - (before.rfind('\n') + 1));
    Diagnostic told{profile_.file, {problem.line, 1}, problem.message, problem.hint};
    if (!file.empty()) {
      told.file = path_beside(profile_.file, file);
      if (problem.line == 0) told.place = {lines + 1, in_line + 1};
    } else if (profile_.functions.rewritten || place.line == 0) {
      told.place = place;
    } else if (problem.line == 0) {
      told.place = {place.line + lines, place.column + in_line};
    } else {
      told.place.column = place.column;
    }
    problems_.push_back(std::move(told));
  }
}

std::uint32_t Compiler::feeder_index(const std::string& name, Place place) {
  const auto found = std::find_if(run_.feeders.begin(), run_.feeders.end(),
                                  [&name](const CompiledFeeder& one) { return one.name == name; });
  if (found != run_.feeders.end()) {
    return static_cast<std::uint32_t>(found - run_.feeders.begin());
  }
  std::vector<std::string> names;
  for (const CompiledFeeder& feeder : run_.feeders) names.push_back(feeder.name);
  const std::string_view near = nearest(name, names);
  report(place, "unknown feeder \"" + name + "\"",
         near.empty() ? "name it in `feeders`" : "did you mean \"" + std::string(near) + "\"?");
  return 0;
}

FeedStep Compiler::compile_action(const FeedSpec& spec, Place place) {
  if (in_phase_) {
    report(place, "set-up and tear-down take no rows of a feeder",
           "the rows are for the sessions of the load");
  }
  return {feeder_index(spec.feeder, place)};
}

}  // namespace stampede
