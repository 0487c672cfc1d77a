#include "harness/scenario/compiler.hpp"

#include <algorithm>
#include <array>

#include "harness/scenario/lua_tokens.hpp"

namespace stampede {

namespace {

constexpr std::array<std::string_view, builtin_slots> builtin_names{
    "user", "token", "session", "round", "status", "outcome", "code", "ws_code", "retry_after_ms"};

bool same(const Diagnostic& a, const Diagnostic& b) {
  return a.place.line == b.place.line && a.place.column == b.place.column && a.message == b.message;
}

// Does it stand in the text, not as a part of a longer name?
bool has_word(std::string_view text, std::string_view word) {
  const auto joins = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool alone =
        (at == 0 || !joins(text[at - 1])) && (end == text.size() || !joins(text[end]));
    if (alone) return true;
  }
  return false;
}

bool is_run_value(std::string_view name) {
  for (const std::string_view kind : {"event_", "auction_", "room_", "venue_"}) {
    if (!name.starts_with(kind) || name.size() == kind.size()) continue;
    if (name.find_first_not_of("0123456789", kind.size()) == std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

PartialRun Compiler::compile() {
  load_feeders();
  collect_slots();
  compile_functions();
  look_for_retry_after(profile_.functions.text);
  for (const ScenarioSpec& scenario : profile_.scenarios) compile_scenario(scenario);
  compile_unused_personas();
  compile_phases();
  return {std::move(run_), std::move(problems_)};
}

void Compiler::collect_slots() {
  run_.slots.assign(builtin_names.begin(), builtin_names.end());
  // In the order in which the run fills them in: story.cpp.
  const DataSpec& data = profile_.data;
  for (const auto& [kind, count] :
       {std::pair{"event_", data.events.size()}, std::pair{"auction_", data.auctions.size()},
        std::pair{"room_", data.rooms.size()},
        std::pair{"venue_", std::size_t{data.admins > 0 ? 1U : 0U}}}) {
    for (std::size_t number = 1; number <= count; ++number) {
      run_.run_values.emplace_back(static_cast<std::uint32_t>(run_.slots.size()), Value{});
      run_.slots.push_back(kind + std::to_string(number));
    }
  }
  collect_data_slots();
  for (const auto& [name, source] : profile_.variables) add_slot(name, source.place);
  for (const ScenarioSpec& scenario : profile_.scenarios) {
    for (const auto& [name, source] : scenario.variables) add_slot(name, source.place);
    collect_slots(scenario.prepare);
  }
  for (const auto& [name, persona] : profile_.personas) collect_slots(persona.steps);
  collect_slots(profile_.setup);
  collect_slots(profile_.teardown);
}

void Compiler::collect_slots(const std::vector<StepSpec>& steps) {
  for_each_variable(steps, [this](const std::string& name, Place place) { add_slot(name, place); });
}

void Compiler::for_each_variable(const std::vector<StepSpec>& steps, const EachVariable& tell) {
  for (const StepSpec& step : steps) {
    if (const auto* http = std::get_if<HttpSpec>(&step.action)) {
      for (const CaptureSpec& capture : http->captures) tell(capture.variable, capture.place);
    } else if (const auto* await = std::get_if<WsAwaitSpec>(&step.action)) {
      for (const CaptureSpec& capture : await->captures) tell(capture.variable, capture.place);
    } else if (const auto* event = std::get_if<SseAwaitSpec>(&step.action)) {
      for (const CaptureSpec& one : event->data.captures) tell(one.variable, one.place);
    } else if (const auto* set = std::get_if<SetSpec>(&step.action)) {
      for (const auto& [name, source] : set->assignments) tell(name, source.place);
    }
    for (const auto* nested : nested_steps(step)) for_each_variable(*nested, tell);
  }
}

void Compiler::add_slot(const std::string& name, Place place) {
  const bool builtin =
      std::find(builtin_names.begin(), builtin_names.end(), name) != builtin_names.end();
  if (builtin || is_run_value(name)) {
    report(place, "variable \"" + name + "\" is set by stampede itself", "choose another name");
    refused_.insert(name);
    return;
  }
  if (!is_lua_variable_name(name)) {
    report(place, "\"" + name + "\" cannot name a variable",
           "letters, digits and _, and no word or function of Lua");
  }
  check_data_name(name, place);
  const bool known = std::find(run_.slots.begin(), run_.slots.end(), name) != run_.slots.end();
  if (!known) run_.slots.push_back(name);
}

std::uint32_t Compiler::slot_of(std::string_view name) const {
  const auto found = std::find(run_.slots.begin(), run_.slots.end(), name);
  // A name that was refused has no slot; the run is refused with it, so any slot will do.
  return found == run_.slots.end() ? 0 : static_cast<std::uint32_t>(found - run_.slots.begin());
}

void Compiler::report(Place place, std::string message, std::string hint) {
  if (doubts_ != nullptr && place.line > 0 && doubts_->at(place)) return;
  Diagnostic diagnostic{profile_.file, place, std::move(message), std::move(hint)};
  // A persona that two scenarios share is compiled twice, and told about once.
  const bool told = std::any_of(problems_.begin(), problems_.end(),
                                [&](const Diagnostic& other) { return same(other, diagnostic); });
  if (!told) problems_.push_back(std::move(diagnostic));
}

// Has the name been given somewhere, to what could not be read, loaded or defined? That has been
// told; that the name is unknown would only follow from it.
bool Compiler::may_exist(const std::string& name, bool lua) const {
  const std::string group = name.substr(0, name.find('.'));
  for (const CompiledFeeder& feeder : run_.feeders) {
    if (feeder.rows == nullptr && feeder.name == group) return true;
  }
  // A file that is not there may have defined anything.
  const std::string& functions = run_.functions.text;
  if (lua && functions_failed_ && (functions.empty() || has_word(functions, name))) return true;
  if (refused_.contains(name)) return true;
  if (doubts_ == nullptr) return false;
  const bool given = doubts_->names.contains(name) || doubts_->groups.contains(group);
  return given || (doubts_->in("data") && is_run_value(name));
}

// What the reader refused left nothing behind, and has been told.
bool Compiler::was_not_read(const Source& source) const {
  return doubts_ != nullptr && source.text.empty() && source.place.line == 0;
}

// Moves places within a text to places in the file.
void Compiler::report(const Diagnostics& problems, const Source& source, bool lua) {
  for (const Diagnostic& problem : problems) {
    if (!problem.unknown.empty() && may_exist(problem.unknown, lua)) continue;
    Place place = source.place;
    const auto offset = static_cast<std::size_t>(std::max(1, problem.place.column) - 1);
    const std::string_view before = std::string_view(source.text).substr(0, offset);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    if (place.line > 0 && !source.rewritten) {
      place.line += static_cast<int>(lines);
      const std::size_t in_line = lines == 0 ? offset : offset - before.rfind('\n') - 1;
      place.column += static_cast<int>(in_line);
    }
    report(place, problem.message, problem.hint);
  }
}

// Subtle: a header that nobody asked for is passed over, so what an answer asks to wait is looked
// for only where the profile names it.
void Compiler::look_for_retry_after(std::string_view text) {
  const std::string_view name = builtin_names[slot_retry_after_ms];
  if (text.find(name) != std::string_view::npos) run_.wants_retry_after = true;
}

Template Compiler::compile_template(const Source& source) {
  look_for_retry_after(source.text);
  auto result = Template::parse(source.text, run_.slots);
  if (result) return std::move(*result);
  report(result.error(), source);
  return {};
}

Expression Compiler::compile_expression(const Source& source) {
  if (was_not_read(source)) return {};
  look_for_retry_after(source.text);
  auto result = Expression::parse(source.text, run_.slots, run_.functions.names);
  if (result) {
    result->stands_in(source.place.line);
    return std::move(*result);
  }
  report(result.error(), source, true);
  return {};
}

void Compiler::compile_scenario(const ScenarioSpec& spec) {
  scenario_ = spec.name;
  names_.clear();
  tags_ = spec.tags;
  tags_.insert(profile_.tags.begin(), profile_.tags.end());
  CompiledScenario scenario;
  scenario.name = spec.name;
  scenario.model = spec.model;
  scenario.load = spec.load;
  scenario.start_at = spec.start_at;
  scenario.users_max = spec.users_max;
  scenario.user_from = spec.user_from;
  scenario.user_count = spec.user_count;
  scenario.pacing = spec.pacing;
  scenario.connection = spec.connection;
  scenario.tls = spec.tls;
  if (spec.pacing) scenario.pacing_missed = counter_of(counter_pacing_missed);
  for (const auto& [feeder, place] : spec.feed) {
    scenario.feed.push_back(feeder_index(feeder, place));
  }
  for (const auto* variables : {&profile_.variables, &spec.variables}) {
    for (const auto& [name, source] : *variables) {
      scenario.start_variables.emplace_back(slot_of(name), compile_template(source));
    }
  }
  scenario.prepare = compile_steps(spec.prepare);
  const auto persona = profile_.personas.find(spec.persona);
  if (persona == profile_.personas.end()) {
    // The reader tells it at a better place.
    if (doubts_ == nullptr) report(spec.place, "unknown persona \"" + spec.persona + "\"");
  } else {
    scenario.steps = compile_steps(persona->second.steps);
  }
  run_.scenarios.push_back(std::move(scenario));
}

// Finds the problems of personas that no scenario uses (yet), without a trace in the run.
void Compiler::compile_unused_personas() {
  const CompiledRun kept = run_;
  for (const auto& [name, persona] : profile_.personas) {
    const bool used = std::any_of(
        profile_.scenarios.begin(), profile_.scenarios.end(),
        [&wanted = name](const ScenarioSpec& scenario) { return scenario.persona == wanted; });
    if (used) continue;
    scenario_ = name;
    names_.clear();
    compile_steps(persona.steps);
  }
  run_ = kept;
}

Steps Compiler::compile_steps(const std::vector<StepSpec>& specs) {
  Steps steps;
  steps.reserve(specs.size());
  for (const StepSpec& spec : specs) steps.push_back(compile_step(spec));
  return steps;
}

CompiledStep Compiler::compile_step(const StepSpec& spec) {
  CompiledStep step;
  const StepSpec* const outer = std::exchange(step_, &spec);
  step.guarded = guarded_ && !spec.name.empty();
  if (!spec.name.empty()) step.series = series_of(spec);
  step.timeout = spec.timeout;
  step.action = std::visit(
      [this, &spec](const auto& action) -> decltype(step.action) {
        return compile_action(action, spec.place);
      },
      spec.action);
  add_derived_series(spec, step);
  if (spec.record) step.record = compile_record(*spec.record);
  step_ = outer;
  return step;
}

SeriesId Compiler::series_of(const StepSpec& spec) {
  const NamedStep wanted{static_cast<SeriesId>(run_.series.size()), spec.action.index(),
                         spec.transaction, spec.waits, spec.tags};
  return series_named(spec.name, wanted, spec.place);
}

SeriesId Compiler::series_named(const std::string& name, const NamedStep& wanted, Place place) {
  const auto [found, added] = names_.try_emplace(name, wanted);
  const NamedStep& known = found->second;
  if (added) {
    Tags tags = wanted.tags;
    tags.insert(tags_.begin(), tags_.end());
    run_.series.push_back({scenario_, name, wanted.transaction, wanted.waits, std::move(tags)});
  } else if (known.kind != wanted.kind || known.transaction != wanted.transaction ||
             known.waits != wanted.waits || known.tags != wanted.tags) {
    // What could not be read has left its default.
    if (doubts_ != nullptr && doubts_->in("personas")) return known.series;
    report(place, "another step named \"" + name + "\" has a different meaning",
           "steps that share a name share a row of the report: same kind, `transaction`, `waits` "
           "and `tags`");
  }
  return known.series;
}

std::vector<Header> Compiler::compile_headers(
    const std::vector<std::pair<std::string, Source>>& specs) {
  std::vector<Header> headers;
  for (const auto& [name, source] : specs) headers.emplace_back(name, compile_template(source));
  return headers;
}

void Compiler::check_pointer(std::string_view pointer, Place place) {
  // The reader looks at most of them, and leaves behind what it could not read.
  if (is_json_pointer(pointer) || doubts_ != nullptr) return;
  report(place, "\"" + std::string(pointer) + "\" is not a JSON pointer",
         "it starts with /, as in /items/0/id");
}

std::vector<CompiledCapture> Compiler::compile_captures(const std::vector<CaptureSpec>& specs) {
  std::vector<CompiledCapture> captures;
  for (const CaptureSpec& spec : specs) {
    CompiledCapture capture{};
    capture.from = spec.from;
    capture.pointer = spec.pointer;
    capture.slot = slot_of(spec.variable);
    capture.optional = spec.optional;
    capture.cell_bits = spec.cell_bits;
    capture.cell_value = spec.cell_value;
    capture.cell_total = spec.cell_total;
    const bool has_pointer =
        spec.from == CaptureSpec::From::json || spec.from == CaptureSpec::From::cells;
    if (has_pointer) check_pointer(spec.pointer, spec.place);
    if (spec.from == CaptureSpec::From::cells) {
      capture.cell_count = compile_expression(spec.cell_count);
    }
    if (spec.from == CaptureSpec::From::regex) compile_regex_capture(spec, capture);
    if (spec.otherwise) capture.otherwise = compile_template(*spec.otherwise);
    captures.push_back(std::move(capture));
  }
  return captures;
}

MessageMatch Compiler::compile_match(const std::vector<std::pair<std::string, Source>>& members,
                                     Place place) {
  MessageMatch match;
  for (const auto& [pointer, source] : members) {
    check_pointer(pointer, place);
    match.emplace_back(pointer, compile_template(source));
  }
  return match;
}

CompiledRecord Compiler::compile_record(const RecordSpec& spec) {
  CompiledRecord record;
  record.kind = spec.kind;
  const std::array<std::pair<std::string_view, std::optional<Template>*>, 8> fields{{
      {"event", &record.event},
      {"key", &record.key},
      {"reference", &record.reference},
      {"seats", &record.seats},
      {"fence", &record.fence},
      {"expires", &record.expires},
      {"status", &record.status},
      {"position", &record.position},
  }};
  for (const auto& [name, source] : spec.fields) {
    for (const auto& [field, target] : fields) {
      if (field == name) *target = compile_template(source);
    }
  }
  return record;
}

ConnectStep Compiler::compile_action(const ConnectSpec& /*spec*/, Place /*place*/) { return {}; }
StopStep Compiler::compile_action(const StopSpec& /*spec*/, Place /*place*/) { return {}; }
ThinkStep Compiler::compile_action(const ThinkSpec& spec, Place /*place*/) {
  ThinkStep step{spec.duration};
  if (spec.ms) step.ms = compile_expression(*spec.ms);
  return step;
}

SetStep Compiler::compile_action(const SetSpec& spec, Place /*place*/) {
  SetStep step;
  for (const auto& [name, source] : spec.assignments) {
    step.assignments.emplace_back(slot_of(name), compile_expression(source));
  }
  return step;
}

IfStep Compiler::compile_action(const IfSpec& spec, Place /*place*/) {
  return {compile_expression(spec.condition), compile_steps(spec.then_steps),
          compile_steps(spec.else_steps)};
}

LoopStep Compiler::compile_action(const LoopSpec& spec, Place /*place*/) {
  LoopStep step{std::nullopt, spec.times, {}};
  if (spec.condition) step.condition = compile_expression(*spec.condition);
  step.steps = compile_steps(spec.steps);
  return step;
}

ChooseStep Compiler::compile_action(const ChooseSpec& spec, Place place) {
  double sum = 0;
  for (const ChooseSpec::Branch& branch : spec.branches) sum += branch.weight;
  if (sum <= 0 && doubts_ == nullptr) report(place, "the weights of `choose` add up to nothing");
  ChooseStep step;
  double passed = 0;
  for (const ChooseSpec::Branch& branch : spec.branches) {
    passed += branch.weight;
    step.cumulative.push_back(passed / sum);
    step.branches.push_back(compile_steps(branch.steps));
  }
  // Rounding must not leave a draw of 0.999… without a branch.
  if (!step.cumulative.empty()) step.cumulative.back() = 1;
  return step;
}

CountStep Compiler::compile_action(const CountSpec& spec, Place place) {
  if (spec.counter == counter_retries || spec.counter == counter_retries_exhausted ||
      spec.counter == counter_pacing_missed) {
    report(place, "the counter \"" + spec.counter + "\" is stampede's own", "choose another name");
  }
  return {counter_of(spec.counter)};
}

std::uint32_t Compiler::counter_of(std::string_view name) {
  auto& counters = run_.counters;
  const auto found = std::find(counters.begin(), counters.end(), name);
  const auto index = static_cast<std::uint32_t>(found - counters.begin());
  if (found == counters.end()) counters.emplace_back(name);
  return index;
}

}  // namespace stampede
