// The profile reader: what it accepts, and what it says, and where, about what it does not.
#include "harness/profile/profile_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include "harness/scenario/scenario.hpp"
#include "test_paths.hpp"

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string file(const std::string& name) {
  std::ifstream in(std::string(STAMPEDE_SOURCE_DIR) + "/" + name);
  EXPECT_TRUE(in.good()) << name;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Around whatever part a test is about.
std::string with_steps(const std::string& steps) {
  return "name: t\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\npersonas:\n  "
         "p:\n" +
         steps;
}
std::string with_scenario(const std::string& scenario) {
  return "name: t\npersonas: {p: [{stop: {}}]}\nscenarios:\n  s:\n" + scenario;
}
std::string with_top(const std::string& top) {
  return "name: t\npersonas: {p: [{stop: {}}]}\n"
         "scenarios: {s: {persona: p, model: open, stages: \"9s:1\"}}\n" +
         top;
}

Profile read(const std::string& text, const std::vector<std::string>& sets = {}) {
  auto result = read_profile(text, "p.yaml", sets);
  EXPECT_TRUE(result.has_value()) << (result ? "" : render(result.error(), text));
  return result ? *result : Profile{};
}

std::string rendered(const std::string& text, const std::vector<std::string>& sets = {}) {
  const auto result = read_profile(text, "p.yaml", sets);
  return result ? "no problem" : render(result.error(), text);
}

// "line:column message | hint", one line per problem.
std::string problems(const std::string& text, const std::vector<std::string>& sets = {}) {
  const auto result = read_profile(text, "p.yaml", sets);
  if (result) return "no problem";
  std::string all;
  for (const Diagnostic& one : result.error()) {
    if (!all.empty()) all += "\n";
    all += one.file == "p.yaml"
               ? std::to_string(one.place.line) + ":" + std::to_string(one.place.column)
               : one.file;
    all += " " + one.message;
    if (!one.hint.empty()) all += " | " + one.hint;
  }
  return all;
}

template <class Action>
Action first_action(const Profile& profile) {
  const auto persona = profile.personas.find("p");
  if (persona == profile.personas.end() || persona->second.steps.empty()) return {};
  const auto* const action = std::get_if<Action>(&persona->second.steps.front().action);
  EXPECT_NE(action, nullptr);
  return action == nullptr ? Action{} : *action;
}

// ---- whole files

TEST(ProfileFiles, SmokeIsReadAndCompiled) {
  const std::string text = file("profiles/smoke.yaml");
  const Profile profile = read(text);
  EXPECT_EQ(profile.name, "smoke");
  EXPECT_EQ(profile.seed, 20261121U);
  EXPECT_EQ(profile.warm_up, seconds{2});
  EXPECT_EQ(profile.target.payment.mode, "webhook");
  EXPECT_DOUBLE_EQ(profile.target.payment.webhook_duplicate, 0.05);
  EXPECT_DOUBLE_EQ(profile.target.payment.delay.b, 0.15);
  ASSERT_EQ(profile.data.events.size(), 3U);
  EXPECT_EQ(profile.data.events[0].columns, 20U);
  EXPECT_EQ(profile.data.events[0].hold_ttl, seconds{5});
  EXPECT_TRUE(profile.data.events[0].queue_on);
  EXPECT_EQ(profile.data.events[0].queue_cap, 100U);
  EXPECT_FALSE(profile.data.events[1].queue_on);
  EXPECT_TRUE(profile.data.events[2].queue_requeue);
  EXPECT_EQ(profile.data.auctions.size(), 1U);
  EXPECT_EQ(profile.data.rooms.size(), 1U);
  ASSERT_EQ(profile.scenarios.size(), 7U);
  EXPECT_EQ(profile.scenarios[0].user_count, 400U);
  EXPECT_EQ(std::get<ClosedLoad>(profile.scenarios[0].load).stages.size(), 2U);
  EXPECT_EQ(run_length(profile), seconds{17});
  EXPECT_EQ(profile.gates.size(), 16U);
  EXPECT_EQ(profile.gates[1].text, "errors == 0");
  EXPECT_EQ(profile.gates[1].place.column, 5);
  EXPECT_TRUE(profile.booking_invariants);
  EXPECT_EQ(profile.validity.samples_min, 100U);
  EXPECT_EQ(profile.text, text);
  const auto run = compile(profile);
  ASSERT_TRUE(run.has_value()) << render(run.error(), text);
  EXPECT_EQ(run->counters, (std::vector<std::string>{"confirmed", "refunded", "declined",
                                                     "practised", "map_changes", "let_in_again"}));
}

TEST(ProfileFiles, TheExampleOfTheManualIsReadAndCompiled) {
  const std::string text = file("profiles/examples/todo-api.yaml");
  const Profile profile = read(text);
  EXPECT_FALSE(profile.booking_invariants);
  const auto run = compile(profile);
  EXPECT_TRUE(run.has_value()) << (run ? "" : render(run.error(), text));
}

// Whatever stands in a file, reading it ends, and every problem has a place that the file has.
TEST(ProfileFiles, DamagedFilesAreAnsweredWithPlacesInThem) {
  const std::string whole = file("profiles/smoke.yaml");
  const std::string_view noise = "{}[]:,-?&*!|>'\"%@`#~\n \t0x$<=\xc3";
  Random random(99, 0);
  for (int round = 0; round < 300; ++round) {
    std::string text = whole;
    for (std::uint64_t change = random.below(4) + 1; change > 0; --change) {
      const std::size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0:
          text.erase(at, random.below(30));
          break;
        case 1:
          text[at] = noise[random.below(noise.size())];
          break;
        case 2:
          text.insert(at, 1, noise[random.below(noise.size())]);
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(60)));
          break;
      }
    }
    const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
    const auto result = read_profile(text, "p.yaml");
    const auto run = result ? compile(*result) : Checked<CompiledRun>(Diagnostics{});
    for (const Diagnostics& all :
         {result ? Diagnostics{} : result.error(), run ? Diagnostics{} : run.error()}) {
      for (const Diagnostic& one : all) {
        ASSERT_LE(one.place.line, lines) << one.message << "\n" << text;
        ASSERT_GE(one.place.column, 0) << one.message;
        ASSERT_LE(one.place.column, static_cast<int>(text.size())) << one.message;
        ASSERT_FALSE(one.message.empty());
      }
    }
  }
}

// ---- diagnostics, whole

TEST(ProfileDiagnostics, PlaceCaretAndHint) {
  EXPECT_EQ(rendered(with_top("drian: 5s\nwarm_up: 3\ngates:\n  - p95 < 300\n  - errros == 0\n")),
            "p.yaml:4:1: error: unknown key \"drian\" in a profile\n"
            "drian: 5s\n"
            "^\n"
            "hint: did you mean \"drain\"?\n"
            "p.yaml:5:10: error: a duration needs a unit\n"
            "warm_up: 3\n"
            "         ^\n"
            "hint: write 3s\n"
            "p.yaml:7:11: error: gate: a latency needs a unit\n"
            "  - p95 < 300\n"
            "          ^\n"
            "hint: write 300ms\n"
            "p.yaml:8:5: error: gate: unknown measure \"errros\"\n"
            "  - errros == 0\n"
            "    ^\n"
            "hint: did you mean \"errors\"?\n");
}

TEST(ProfileDiagnostics, ManyProblemsAreAllReported) {
  EXPECT_EQ(
      problems("seed: 010\n"
               "workers: 0\n"
               "data:\n"
               "  users: -5\n"
               "  events:\n"
               "    - {rows: ten, queue: {cap: 1,000, raet: 5}}\n"
               "target: {payment: {approve: 80, mode: later}}\n"
               "personas:\n"
               "  p:\n"
               "    - get: /a\n"
               "    - pots: /b\n"
               "      name: b\n"
               "    - think: unifrom 1s 2s\n"
               "scenarios:\n"
               "  s: {persona: q, model: opne}\n"),
      "1:1 a profile needs the key \"name\"\n"
      "1:7 \"010\" looks like an octal number | write 10, without leading zeros\n"
      "2:10 0 is out of range | from 1 to 256\n"
      "4:10 -5 is out of range | from 0 to 10000000\n"
      "6:14 a whole number is wanted, not \"ten\"\n"
      "6:34 unknown key \"000\" in queue | known are cap, rate, burst, lease, heartbeat, mode, "
      "requeue\n"
      "6:39 unknown key \"raet\" in queue | did you mean \"rate\"?\n"
      "7:29 80 is out of range: a share is at most 1 or 100% | write 80%\n"
      "7:39 unknown payment mode \"later\" | sync or webhook\n"
      "10:7 a get step needs a name | name: … is its row in the report\n"
      "11:7 unknown step \"pots\" | did you mean \"post\"?\n"
      "13:14 unknown distribution \"unifrom\" | did you mean \"uniform\"?\n"
      "15:16 unknown persona \"q\" | did you mean \"p\"?\n"
      "15:26 unknown model \"opne\" | did you mean \"open\"?");
}

// ---- YAML itself

TEST(ProfileYaml, SyntaxErrorsHaveAPlace) {
  EXPECT_EQ(
      problems("name: t\nscenarios: {a: [1, 2\n"),
      "3:1 YAML: end of sequence flow not found | check the indentation and the brackets; quote "
      "a text that contains { } [ ] or ,");
  EXPECT_EQ(problems("name: a: b\n"),
            "1:8 YAML: illegal map value | quote a text that contains \": \"");
  EXPECT_EQ(problems("a:\n\tb: 1\n"),
            "2:3 YAML: illegal map value | indent with spaces, not with tabs");
}

// The parser of YAML stumbles over these; the reader must not.
TEST(ProfileYaml, QuestionMarksInFlowMaps) {
  const auto http = first_action<HttpSpec>(read(
      with_steps("    - {get: /a?b=1, name: x, capture: {a: /b?, c: \"/d?\"}, body: '? ?,'}\n")));
  EXPECT_EQ(http.path.text, "/a?b=1");
  ASSERT_EQ(http.captures.size(), 2U);
  EXPECT_EQ(http.captures[0].pointer, "/b");
  EXPECT_TRUE(http.captures[0].optional);
  EXPECT_TRUE(http.captures[1].optional);
  EXPECT_EQ(http.body->text, "? ?,");
}

TEST(ProfileYaml, DuplicateKeys) {
  EXPECT_EQ(problems(with_top("drain: 5s\nseed: 1\ndrain: 6s\n")),
            "6:1 duplicate key \"drain\" | the first one stands in line 4");
  EXPECT_EQ(
      problems(with_steps("    - get: /\n      name: x\n      headers: {A: 1, B: 2, A: 3}\n")),
      "8:29 duplicate key \"A\" | the first one stands in line 8");
}

TEST(ProfileYaml, EmptyAndWrongDocuments) {
  EXPECT_EQ(problems(""), "0:0 a profile is a map of keys and values, not nothing");
  EXPECT_EQ(problems("- a\n"), "1:1 a profile is a map of keys and values, not a list");
  EXPECT_EQ(problems("# only a comment\n"),
            "0:0 a profile is a map of keys and values, not nothing");
  EXPECT_EQ(problems(with_top("---\nname: u\n")),
            "4:1 a second document | a profile is one YAML document");
  EXPECT_EQ(problems(with_top("question: !!str 5\n")),
            "4:11 tags are not supported: tag:yaml.org,2002:str | leave it out");
}

TEST(ProfileYaml, CharactersThatDoNotBelong) {
  EXPECT_EQ(problems(std::string("name: t\nquestion: a\0b\n", 22)), "2:12 a control character");
  EXPECT_EQ(problems("name: t\nquestion: \xff\n"), "2:11 not UTF-8");
  EXPECT_EQ(read(with_top("question: Größe €\n")).question, "Größe €");
}

TEST(ProfileYaml, PlacesCountBytesAndSurviveOtherLettersAndLineEnds) {
  EXPECT_EQ(problems("# ü € 𝄞\n" +
                     with_top("target: {options: {a: \"ü€𝄞\", b: \"x\"}, threads: \"5\"}\n")),
            "5:55 a whole number is wanted, not \"5\" | leave out the quotes");
  EXPECT_EQ(problems(with_top("seed: 5\r\ndrain: \"5\"\r\n")),
            "5:9 a duration needs a unit | write 5s");
  EXPECT_EQ(read("\xef\xbb\xbf" + with_top("drain: 5s\n")).drain, seconds{5});
  EXPECT_EQ(problems("\xef\xbb\xbf" + with_top("drain: \"5\"\n")),
            "4:9 a duration needs a unit | write 5s");
}

TEST(ProfileYaml, TooLarge) {
  EXPECT_EQ(problems(std::string((1U << 20U) + 1, '#')), "0:0 larger than 1048576 bytes");
}

// CPU time to refuse texts of so many bytes that nest without an end.
std::clock_t spent_on_nesting(std::size_t bytes) {
  const std::clock_t start = std::clock();
  for (const auto* unit : {"[", "{a: ", "- ", "? ", "[{"}) {
    std::string text = "name: ";
    if (*unit == '-' || *unit == '?') text = "name:\n ";
    while (text.size() < bytes) text += unit;
    const std::string found = problems(text);
    EXPECT_NE(found.find("nested deeper than 64 levels"), std::string::npos)
        << unit << ": " << found.substr(0, 200);
  }
  return std::clock() - start;
}

// Quickly: a text of four times the length takes about four times as long, and not sixteen.
TEST(ProfileYaml, DeepNestingIsRefusedQuickly) {
  const std::clock_t quarter = std::max<std::clock_t>(spent_on_nesting(100'000), 1);
  EXPECT_LT(spent_on_nesting(400'000), 10 * quarter);
  std::string stairs = "name:\n";
  for (std::size_t level = 1; level < 1000; ++level) stairs += std::string(level, ' ') + "a:\n";
  EXPECT_NE(problems(stairs).find("nested deeper than 64 levels"), std::string::npos);
}

TEST(ProfileYaml, AnAliasBombIsRefusedQuickly) {
  std::string text = "name: t\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 30; ++level) {
    const std::string below = "*a" + std::to_string(level - 1);
    text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + below;
    for (int at = 1; at < 10; ++at) text += ", " + below;
    text += "]\n";
  }
  // One that is followed would outlast the test's time limit.
  EXPECT_NE(problems(text).find("more than 1000000 values once aliases are followed"),
            std::string::npos);
}

TEST(ProfileYaml, AliasesThatNestIntoThemselvesOrTooDeep) {
  EXPECT_EQ(problems("name: &a [*a]\n"), "1:11 an alias within its own anchor");
  std::string text = "name: t\na0: &a0 [x]\n";
  for (int level = 1; level < 100; ++level) {
    text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [*a" +
            std::to_string(level - 1) + "]\n";
  }
  EXPECT_NE(problems(text).find("nested deeper than 64 levels"), std::string::npos);
}

TEST(ProfileYaml, AliasesShareSteps) {
  const Profile profile = read(
      "name: t\nscenarios: {s: {persona: p, model: open, stages: \"9s:1\"}}\n"
      "personas:\n"
      "  login: &login\n    - get: /login\n      name: login\n    - think: 1s\n"
      "  p:\n    - *login\n    - stop: {}\n");
  ASSERT_EQ(profile.personas.at("p").steps.size(), 3U);
  EXPECT_EQ(profile.personas.at("p").steps[0].name, "login");
  EXPECT_TRUE(std::holds_alternative<StopSpec>(profile.personas.at("p").steps[2].action));
}

TEST(ProfileYaml, AProblemInAnAliasIsToldOnce) {
  EXPECT_EQ(problems("name: t\nscenarios: {s: {persona: p, model: open, stages: \"9s:1\"}}\n"
                     "personas:\n  p: &p [{think: 5}]\n  q: *p\n  r: *p\n"),
            "4:18 a duration needs a unit | write 5s");
}

// ---- scalars

TEST(ProfileValues, Durations) {
  const auto drain = [](const std::string& text) { return read(with_top("drain: " + text)).drain; };
  EXPECT_EQ(drain("250ms"), milliseconds{250});
  EXPECT_EQ(drain("1m30s"), seconds{90});
  EXPECT_EQ(drain("1.5s"), milliseconds{1500});
  EXPECT_EQ(drain("10us"), std::chrono::microseconds{10});
  EXPECT_EQ(drain("2h"), std::chrono::hours{2});
  const auto problem = [](const std::string& text) { return problems(with_top("drain: " + text)); };
  EXPECT_EQ(problem("30"), "4:8 a duration needs a unit | write 30s");
  EXPECT_EQ(problem("1m30"), "4:10 a duration needs a unit | write 30s");
  EXPECT_EQ(problem("-3s"), "4:8 a duration cannot be negative");
  EXPECT_EQ(problem("3min"), "4:9 unknown unit \"min\" | ns, us, ms, s, m or h");
  EXPECT_EQ(problem("3 s"), "4:9 unknown unit \" s\" | write 3s");
  EXPECT_EQ(problem("soon"), "4:8 \"soon\" is not a duration | 250ms, 2s, 1m30s");
  EXPECT_EQ(problem("200h"), "4:8 longer than 7 days");
  EXPECT_EQ(problem("[1s]"), "4:8 a duration is wanted, not a list");
  EXPECT_EQ(problem(""), "4:1 a duration is wanted, not nothing");
}

TEST(ProfileValues, WholeNumbers) {
  const auto seed = [](const std::string& text) { return read(with_top("seed: " + text)).seed; };
  EXPECT_EQ(seed("18446744073709551615"), 18446744073709551615ULL);
  EXPECT_EQ(seed("1e3"), 1000U);
  EXPECT_EQ(seed("0"), 0U);
  const auto problem = [](const std::string& text) { return problems(with_top("seed: " + text)); };
  EXPECT_EQ(problem("007"),
            "4:7 \"007\" looks like an octal number | write 7, without leading zeros");
  EXPECT_EQ(problem("0x1F"), "4:7 a whole number is wanted, not \"0x1F\" | write it in decimal");
  EXPECT_EQ(problem("1_000"), "4:7 a whole number is wanted, not \"1_000\" | write 1000");
  EXPECT_EQ(problem("\"5\""), "4:8 a whole number is wanted, not \"5\" | leave out the quotes");
  EXPECT_EQ(problem("1.5"), "4:7 a whole number is wanted, not \"1.5\"");
  EXPECT_EQ(problem("-1"), "4:7 -1 is out of range | from 0 to 18446744073709551615");
  EXPECT_EQ(problem(".inf"), "4:7 a whole number is wanted, not \".inf\"");
  EXPECT_EQ(problem("99999999999999999999"),
            "4:7 99999999999999999999 is out of range | from 0 to 18446744073709551615");
}

TEST(ProfileValues, Booleans) {
  const auto steps = [](const std::string& value) {
    return with_steps("    - get: /\n      name: x\n      transaction: " + value + "\n");
  };
  EXPECT_TRUE(read(steps("true")).personas.at("p").steps[0].transaction);
  EXPECT_FALSE(read(steps("false")).personas.at("p").steps[0].transaction);
  EXPECT_EQ(problems(steps("yes")), "8:20 true or false is wanted, not \"yes\" | write true");
  EXPECT_EQ(problems(steps("Off")), "8:20 true or false is wanted, not \"Off\" | write false");
  EXPECT_EQ(problems(steps("maybe")), "8:20 true or false is wanted, not \"maybe\"");
}

TEST(ProfileValues, Shares) {
  const auto cpu = [](const std::string& text) {
    return read(with_top("validity: {cpu_max: " + text + "}")).validity.cpu_max.value();
  };
  EXPECT_DOUBLE_EQ(cpu("85%"), 0.85);
  EXPECT_DOUBLE_EQ(cpu("0.5"), 0.5);
  EXPECT_DOUBLE_EQ(cpu("100%"), 1);
  const auto problem = [](const std::string& text) {
    return problems(with_top("validity: {cpu_max: " + text + "}"));
  };
  EXPECT_EQ(problem("120%"), "4:21 120% is out of range | from 0% to 100%");
  EXPECT_EQ(problem("-1%"), "4:21 -1% is out of range | from 0% to 100%");
  EXPECT_EQ(problem("most"), "4:21 a share is wanted, not \"most\" | 5% or 0.05");
}

TEST(ProfileValues, ValiditySetsLimitsAndLiftsChecks) {
  const auto none = read(with_top("validity: {samples_min: 5}")).validity;
  EXPECT_FALSE(none.cpu_max || none.start_lag_p99_max || none.slo || none.not_sent_max);
  EXPECT_TRUE(none.calibration && none.probe && none.lift.empty());
  const auto given = read(with_top("validity: {slo: 80ms, steal_max: 10%, run_queue_max: 20%, "
                                   "tainted_max: 2%, calibration: false, probe: false, "
                                   "lift: [L7, L4b], not_sent_max: 1%}"))
                         .validity;
  EXPECT_EQ(given.slo, std::chrono::milliseconds{80});
  EXPECT_EQ(given.steal_max, 0.1);
  EXPECT_EQ(given.run_queue_max, 0.2);
  EXPECT_EQ(given.tainted_max, 0.02);
  EXPECT_EQ(given.not_sent_max, 0.01);
  EXPECT_FALSE(given.calibration || given.probe);
  EXPECT_EQ(given.lift, (std::vector<std::string>{"L7", "L4b"}));
}

TEST(ProfileValues, BooksCannotBeLifted) {
  for (const char* check : {"L2", "L12", "L17", "L19", "cpu"}) {
    const auto told = problems(with_top(std::string("validity: {lift: [L7, ") + check + "]}"));
    EXPECT_NE(told.find(std::string("\"") + check + "\" is no self-check that can be lifted"),
              std::string::npos)
        << told;
  }
}

TEST(ProfileValues, RandomDurations) {
  using Kind = RandomDuration::Kind;
  const auto think = [](const std::string& text) {
    return first_action<ThinkSpec>(read(with_steps("    - think: " + text))).duration;
  };
  EXPECT_EQ(think("2s").kind, Kind::constant);
  EXPECT_DOUBLE_EQ(think("2s").a_seconds, 2);
  EXPECT_EQ(think("uniform 2s 5s").kind, Kind::uniform);
  EXPECT_DOUBLE_EQ(think("uniform 2s 5s").b, 5);
  EXPECT_EQ(think("exponential 2s").kind, Kind::exponential);
  EXPECT_DOUBLE_EQ(think("normal 2s 500ms").b, 0.5);
  EXPECT_EQ(think("lognormal 600ms 0.5").kind, Kind::lognormal);
  EXPECT_DOUBLE_EQ(think("lognormal 600ms 0.5").b, 0.5);
  const auto problem = [](const std::string& text) {
    return problems(with_steps("    - think: " + text));
  };
  EXPECT_EQ(problem("uniform 5s 2s"), "6:25 the longest comes before the shortest | uniform 2s 5s");
  EXPECT_EQ(problem("uniform 2s"), "6:24 uniform takes 2 values | uniform 2s 5s");
  EXPECT_EQ(problem("exponential 2s 3s"), "6:29 exponential takes 1 value | exponential 2s");
  EXPECT_EQ(problem("normal 2s 500"), "6:24 a duration needs a unit | write 500s");
  EXPECT_EQ(problem("lognormal 600ms 500ms"),
            "6:30 sigma is a number from 0 to 5, without a unit | lognormal 600ms 0.5");
}

TEST(ProfileValues, Names) {
  EXPECT_EQ(
      problems("name: my profile\n" + with_top("").substr(8)),
      "1:7 \"my profile\" is not a name | a letter, then letters, digits, _ and -, at most 64 in "
      "all");
}

// ---- scenarios

TEST(ProfileScenario, StagesInOneLineOrAsAList) {
  const auto load = [](const std::string& stages) {
    const Profile profile =
        read(with_scenario("    persona: p\n    model: open\n    start: 2\n    stages: " + stages));
    return profile.scenarios.empty() ? OpenLoad{} : std::get<OpenLoad>(profile.scenarios[0].load);
  };
  const OpenLoad line = load("3s:4, 0s:100,12s:4.5");
  EXPECT_DOUBLE_EQ(line.start_rate, 2);
  EXPECT_EQ(line.arrival, Arrival::poisson);
  ASSERT_EQ(line.stages.size(), 3U);
  EXPECT_EQ(line.stages[1].duration, Nanos{0});
  EXPECT_DOUBLE_EQ(line.stages[1].target, 100);
  EXPECT_DOUBLE_EQ(line.stages[2].target, 4.5);
  const OpenLoad list = load("[{duration: 3s, target: 4}, {duration: 1m, target: 0}]");
  ASSERT_EQ(list.stages.size(), 2U);
  EXPECT_EQ(list.stages[1].duration, seconds{60});
}

TEST(ProfileScenario, BadStages) {
  const auto problem = [](const std::string& stages) {
    return problems(with_scenario("    persona: p\n    model: open\n    stages: " + stages + "\n"));
  };
  EXPECT_EQ(problem("3s:4, 12"), "7:19 a stage is a duration, a colon and a target | 30s:200");
  EXPECT_EQ(problem("3s:4, 12:4"), "7:19 a duration needs a unit | write 12s");
  EXPECT_EQ(problem("3s:-4"), "7:16 a target is a number, and not negative | 30s:200");
  EXPECT_EQ(problem("[]"), "7:13 a scenario without stages | 10s:100, 60s:100");
  EXPECT_EQ(problem("0s:100"), "7:13 stages without length | 10s:100, 60s:100");
  EXPECT_EQ(problems(with_scenario("    persona: p\n    model: open\n")),
            "5:5 an open scenario needs the key \"stages\" | stages: 10s:100, 60s:100");
}

TEST(ProfileScenario, Closed) {
  const Profile profile = read(with_scenario(
      "    {persona: p, model: closed, start: 10, stages: \"5s:10\", start_at: 3s, users_max: 7,\n"
      "     user_from: 5, user_count: 10, variables: {a: 1}}\n"));
  ASSERT_EQ(profile.scenarios.size(), 1U);
  const ScenarioSpec& scenario = profile.scenarios[0];
  EXPECT_DOUBLE_EQ(std::get<ClosedLoad>(scenario.load).start_users, 10);
  EXPECT_EQ(scenario.start_at, seconds{3});
  EXPECT_EQ(scenario.users_max, 7U);
  EXPECT_EQ(scenario.user_from, 5U);
  EXPECT_EQ(scenario.user_count, 10U);
  ASSERT_EQ(scenario.variables.size(), 1U);
  EXPECT_EQ(problems(with_scenario("    {persona: p, model: closed, stages: \"5s:10.5\"}\n")),
            "5:42 users are whole numbers");
  EXPECT_EQ(
      problems(
          with_scenario("    {persona: p, model: closed, stages: \"5s:1\", arrivals: regular}\n")),
      "5:49 unknown key \"arrivals\" in a closed scenario | known are persona, model, start_at, "
      "start_after, users_max, user_from, user_count, variables, feed, tags, connection, tls, "
      "start, stages, pacing, sessions_max");
}

TEST(ProfileScenario, Instant) {
  const Profile profile = read(with_scenario(
      "    persona: p\n    model: instant\n    users: 80\n    rounds: 20\n    every: 2s\n"
      "    reaction: lognormal 600ms 0.5\n    prepare:\n      - connect: {}\n        name: c\n"));
  ASSERT_EQ(profile.scenarios.size(), 1U);
  const auto& load = std::get<InstantLoad>(profile.scenarios[0].load);
  EXPECT_EQ(load.users, 80U);
  EXPECT_EQ(load.rounds, 20U);
  EXPECT_EQ(load.every, seconds{2});
  EXPECT_DOUBLE_EQ(load.reaction.a_seconds, 0.6);
  ASSERT_EQ(profile.scenarios[0].prepare.size(), 1U);
  EXPECT_EQ(profile.scenarios[0].prepare[0].name, "c");
  EXPECT_EQ(
      problems(with_scenario("    {persona: p, model: instant, stages: \"5s:1\"}\n")),
      "5:5 an instant scenario needs the key \"users\" | how many start at each instant\n"
      "5:34 an instant scenario has no stages | `users`, `rounds` and `every` say what its load "
      "is");
}

TEST(ProfileScenario, NoneAndUnknown) {
  EXPECT_EQ(problems("name: t\npersonas: {p: [{stop: {}}]}\n"),
            "1:1 a profile needs the key \"scenarios\" | what load there is: a map of scenarios");
  EXPECT_EQ(problems("name: t\npersonas: {p: [{stop: {}}]}\nscenarios: {}\n"),
            "3:12 a profile without scenarios");
  EXPECT_EQ(problems(with_scenario("    {model: open, stages: \"9s:1\"}\n")),
            "5:5 an open scenario needs the key \"persona\" | whose steps its sessions run");
  EXPECT_EQ(problems(with_top("warm_up: 9s\n")),
            "4:10 the warm-up leaves nothing to measure | the load lasts 9s");
}

TEST(ProfileScenario, UsersBeyondTheData) {
  EXPECT_EQ(problems(with_scenario("    {persona: p, model: open, stages: \"9s:1\", user_from: 5,\n"
                                   "     user_count: 6}\n") +
                     "data: {users: 10}\n"),
            "6:18 more users than there are | `data.users` is 10");
}

// ---- steps

TEST(ProfileSteps, HttpWithEverything) {
  const Profile profile = read(with_steps(
      "    - post: /a/${user}\n      name: hold\n      timeout: 3s\n      transaction: true\n"
      "      headers: {Authorization: \"Bearer ${token}\", X-Id: 5}\n"
      "      body: 'x=1'\n"
      "      expect: {ok: [201], conflict: 409, rule: []}\n"
      "      capture: {id: /id, at: /a/0?, where: {header: Location?}}\n"
      "      record: {hold: {event: 1, key: \"${id}\"}}\n"));
  const StepSpec& step = profile.personas.at("p").steps.at(0);
  EXPECT_EQ(step.name, "hold");
  EXPECT_EQ(step.timeout, seconds{3});
  EXPECT_TRUE(step.transaction);
  EXPECT_FALSE(step.waits);
  EXPECT_EQ(step.place.line, 6);
  const auto& http = std::get<HttpSpec>(step.action);
  EXPECT_EQ(http.method, "POST");
  EXPECT_EQ(http.path.text, "/a/${user}");
  ASSERT_EQ(http.headers.size(), 2U);
  EXPECT_EQ(http.headers[1].second.text, "5");
  EXPECT_EQ(http.body->text, "x=1");
  EXPECT_EQ(http.expect.ok, std::vector<unsigned>{201});
  EXPECT_EQ(http.expect.conflict, std::vector<unsigned>{409});
  EXPECT_EQ(http.expect.rule, std::vector<unsigned>{});
  EXPECT_EQ(http.expect.gone, std::nullopt);
  ASSERT_EQ(http.captures.size(), 3U);
  EXPECT_FALSE(http.captures[0].optional);
  EXPECT_TRUE(http.captures[1].optional);
  EXPECT_EQ(http.captures[1].pointer, "/a/0");
  EXPECT_EQ(http.captures[2].from, CaptureSpec::From::header);
  EXPECT_EQ(http.captures[2].pointer, "Location");
  EXPECT_EQ(step.record->kind, "hold");
  EXPECT_EQ(step.record->fields.at("key").text, "${id}");
}

TEST(ProfileSteps, ABodyInYamlBecomesJson) {
  const auto http = first_action<HttpSpec>(read(with_steps(
      "    - put: /a\n      name: x\n      body:\n        title: \"t ${user}\"\n        n: 5\n"
      "        f: 1.5\n        yes_: true\n        none: ~\n        text: \"5\"\n        l: [a, "
      "{b: c}]\n")));
  EXPECT_EQ(http.body->text, R"({"title":"t ${user}","n":5,"f":1.5,"yes_":true,"none":null,)"
                             R"("text":"5","l":["a",{"b":"c"}]})");
  ASSERT_EQ(http.headers.size(), 1U);
  EXPECT_EQ(http.headers[0].first, "Content-Type");
  EXPECT_EQ(http.headers[0].second.text, "application/json");
}

TEST(ProfileSteps, Cells) {
  const auto http = first_action<HttpSpec>(read(with_steps(
      "    - get: /a\n      name: x\n"
      "      capture: {s: {cells: /bits, bits: 4, value: 9, count: \"1 + 1\", total: /n}}\n")));
  ASSERT_EQ(http.captures.size(), 1U);
  EXPECT_EQ(http.captures[0].from, CaptureSpec::From::cells);
  EXPECT_EQ(http.captures[0].cell_bits, 4U);
  EXPECT_EQ(http.captures[0].cell_value, 9U);
  EXPECT_EQ(http.captures[0].cell_count.text, "1 + 1");
  EXPECT_EQ(http.captures[0].cell_total, "/n");
  EXPECT_EQ(problems(with_steps("    - get: /a\n      name: x\n"
                                "      capture: {s: {cells: bits, bits: 3, value: 9}}\n")),
            "8:20 a cells capture needs the key \"count\" | how many cells to pick, an expression\n"
            "8:28 \"bits\" is not a JSON pointer | it starts with /, as in /items/0/id\n"
            "8:40 cells do not cross bytes | 1, 2, 4 or 8");
}

TEST(ProfileSteps, WebSocket) {
  const Profile profile =
      read(with_steps("    - ws_connect: /ws?e=1\n      name: open\n      protocol: tk.v1\n"
                      "      heartbeat: {every: 5s, text: '{\"t\":\"hb\"}'}\n"
                      "    - ws_send: {t: join, n: 1}\n"
                      "    - ws_send: plain ${user}\n"
                      "    - ws_await: {/t: admitted, /n: \"${user}\"}\n      name: wait\n"
                      "      unless: [{/t: ghosted}]\n      capture: {e: /e}\n"
                      "    - ws_await: {/t: end}\n      name: wait2\n      waits: false\n"
                      "    - ws_close: {}\n    - ws_close:\n"));
  const auto& steps = profile.personas.at("p").steps;
  ASSERT_EQ(steps.size(), 7U);
  EXPECT_EQ(std::get<WsConnectSpec>(steps[0].action).heartbeat_every, seconds{5});
  EXPECT_EQ(std::get<WsConnectSpec>(steps[0].action).protocol, "tk.v1");
  EXPECT_EQ(std::get<WsSendSpec>(steps[1].action).text.text, R"({"t":"join","n":1})");
  EXPECT_EQ(std::get<WsSendSpec>(steps[2].action).text.text, "plain ${user}");
  const auto& await = std::get<WsAwaitSpec>(steps[3].action);
  EXPECT_EQ(await.where.size(), 2U);
  EXPECT_EQ(await.unless.size(), 1U);
  EXPECT_TRUE(steps[3].waits);
  EXPECT_FALSE(steps[4].waits);
}

TEST(ProfileSteps, ControlFlow) {
  const Profile profile =
      read(with_steps("    - if: status == 200\n      then: [{stop: {}}]\n      else: [{think: "
                      "1s}, {count: lost}]\n"
                      "    - while: tries < 3\n      times: 5\n      do: [{set: {tries: tries + 1, "
                      "held: false, x: null}}]\n"
                      "    - repeat: 3\n      do: [{think: 1s}]\n"
                      "    - choose: [{weight: 1, do: []}, {weight: 0.5, do: [{stop: {}}]}]\n"));
  const auto& steps = profile.personas.at("p").steps;
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(std::get<IfSpec>(steps[0].action).else_steps.size(), 2U);
  const auto& loop = std::get<LoopSpec>(steps[1].action);
  EXPECT_EQ(loop.condition->text, "tries < 3");
  EXPECT_EQ(loop.times, 5U);
  const auto& set = std::get<SetSpec>(loop.steps[0].action);
  ASSERT_EQ(set.assignments.size(), 3U);
  EXPECT_EQ(set.assignments[1].second.text, "false");
  EXPECT_EQ(set.assignments[2].second.text, "nil");
  EXPECT_FALSE(std::get<LoopSpec>(steps[2].action).condition.has_value());
  EXPECT_EQ(std::get<LoopSpec>(steps[2].action).times, 3U);
  EXPECT_EQ(std::get<ChooseSpec>(steps[3].action).branches.size(), 2U);
}

TEST(ProfileSteps, ProblemsOfTheirShape) {
  const auto problem = [](const std::string& steps) { return problems(with_steps(steps)); };
  EXPECT_EQ(
      problem("    - get: /a\n      post: /b\n      name: x\n"),
      "7:7 two actions in one step: \"get\" and \"post\" | begin a step of its own with \"- post: "
      "…\"");
  EXPECT_EQ(problem("    - think: 1s\n      name: x\n"),
            "7:7 unknown key \"name\" in a think step | known are think");
  EXPECT_EQ(problem("    - stop\n"), "6:7 a step is a map | write stop: {}");
  EXPECT_EQ(problem("    - name: x\n").substr(0, 27), "6:7 a step without an actio");
  EXPECT_EQ(problem("    - ws_close: now\n"),
            "6:17 \"ws_close\" takes no value | write ws_close: {}");
  EXPECT_EQ(problem("    - if: status == 200\n"),
            "6:7 an if step needs the key \"then\" or \"else\"");
  EXPECT_EQ(problem("    - while: x\n      do: []\n"),
            "6:7 a while step needs the key \"times\" | no loop runs for ever: the most rounds it "
            "may take");
  EXPECT_EQ(problem("    - choose: [{weight: 0, do: []}]\n"),
            "6:15 choose needs a branch with a weight above 0");
  EXPECT_EQ(problem("    - get: /a\n      name: p95\n"),
            "7:13 \"p95\" is a word of the gates | choose another name");
  EXPECT_EQ(problem("    {think: 1s}\n"), "6:5 a list of steps is wanted, not a map");
  EXPECT_EQ(problem("    []\n"), "6:5 a persona without steps");
}

TEST(ProfileSteps, ProblemsOfRequests) {
  const auto problem = [](const std::string& rest) {
    return problems(with_steps("    - get: /a\n      name: x\n" + rest));
  };
  EXPECT_EQ(problem("      headers: {\"X Y\": 1, \"A:\": 2, Host: h}\n"),
            "8:19 \"X Y\" cannot name a header | letters, digits and !#$%&'*+-.^_`|~\n"
            "8:29 \"A:\" cannot name a header | letters, digits and !#$%&'*+-.^_`|~\n"
            "8:36 header Host is written by stampede itself");
  EXPECT_EQ(problem("      headers: {A: \"b\\r\\nC: d\"}\n"),
            "8:21 a line break in the value of header A | a header is one line");
  EXPECT_EQ(problem("      capture: {id: id, n: $.n}\n"),
            "8:21 \"id\" is not a JSON pointer | it starts with /, as in /items/0/id\n"
            "8:28 \"$.n\" is not a JSON pointer | JSON pointers, not JSONPath: /items/0/id");
  EXPECT_EQ(problem("      expect: {ok: [200, 99], conflict: [200]}\n"),
            "8:26 99 is out of range | from 100 to 599\n"
            "8:41 status 200 is ok and conflict at once");
  EXPECT_EQ(problem("      record: {hodl: {evnt: 1}}\n"),
            "8:16 unknown record \"hodl\" | did you mean \"hold\"?\n"
            "8:23 unknown key \"evnt\" in a record | did you mean \"event\"?");
  EXPECT_EQ(
      problems(with_steps("    - get: http://h/a\n      name: x\n    - get: a b\n      name: y\n")),
      "6:12 a path is wanted, not a whole URL | the host comes from the command line (--url) or "
      "the topology\n"
      "8:12 a path starts with / | /a b\n"
      "8:13 white space in a path | write %20 for a blank");
}

// ---- gates

TEST(ProfileGates, NameOnlyWhatThereIs) {
  const std::string text = with_steps("    - get: /a\n      name: hold\n    - count: sold\n");
  EXPECT_EQ(problems(text + "gates:\n  - hodl p95 < 1s\n  - s.hold p95 < 1s\n  - x.hold p95 < 1s\n"
                            "  - sold_count > 1\n  - slod_rate > 1\n"),
            "10:5 gate: unknown step \"hodl\" | did you mean \"hold\"?\n"
            "12:5 gate: unknown step \"x.hold\" | did you mean \"s.hold\"?\n"
            "14:5 gate: unknown counter \"slod\" | did you mean \"sold\"?");
}

TEST(ProfileGates, ColumnsInQuotedGates) {
  EXPECT_EQ(problems(with_top("gates: [\"p95 < 300\"]\n")),
            "4:16 gate: a latency needs a unit | write 300ms");
}

// ---- --set

TEST(ProfileSet, ChangesWhatThePathNames) {
  const std::string text = with_top("drain: 5s\ndata: {events: [{rows: 3}, {rows: 4}]}\n");
  const Profile profile =
      read(text, {"drain=3s", "scenarios.s.users_max=7", "data.events.1.rows=20",
                  "target.defects=a_one, b-two", "gates=[p95 < 1s, errors == 0]", "data.users=5"});
  EXPECT_EQ(profile.drain, seconds{3});
  EXPECT_EQ(profile.scenarios[0].users_max, 7U);
  EXPECT_EQ(profile.data.events[0].rows, 3U);
  EXPECT_EQ(profile.data.events[1].rows, 20U);
  EXPECT_EQ(profile.target.defects, (std::vector<std::string>{"a_one", "b-two"}));
  ASSERT_EQ(profile.gates.size(), 2U);
  EXPECT_EQ(profile.gates[0].text, "p95 < 1s");
  EXPECT_EQ(profile.data.users, 5U);
  EXPECT_TRUE(profile.text.starts_with(text));
  EXPECT_NE(profile.text.find("#   --set data.events.1.rows=20\n"), std::string::npos);
  EXPECT_EQ(read(profile.text).drain, seconds{5});
}

TEST(ProfileSet, ProblemsNameTheOverrideAndHaveNoPlace) {
  EXPECT_EQ(rendered(with_top(""), {"drain=3", "scenarios.x.users_max=1"}),
            "--set: error: \"scenarios\" has no \"x\" (in \"scenarios.x.users_max=1\")\n"
            "hint: did you mean \"s\"?\n"
            "--set: error: a duration needs a unit (in \"drain=3\")\n"
            "hint: write 3s\n");
  const auto problem = [](const std::string& set) {
    return problems(with_top("data: {events: [{rows: 3}]}\n"), {set});
  };
  EXPECT_EQ(problem("drain"), "--set no \"=\" (in \"drain\") | --set drain=5s");
  EXPECT_EQ(problem(".a=1"), "--set not a path (in \".a=1\") | --set drain=5s");
  EXPECT_EQ(
      problem("data.events.1.rows=3"),
      "--set \"data.events\" is a list of 1 and has no \"1\" (in \"data.events.1.rows=3\") | items "
      "are numbered from 0");
  EXPECT_EQ(problem("name.x=1"),
            "--set \"name\" is a single value and has no \"x\" (in \"name.x=1\")");
  EXPECT_EQ(problem("darin=1s"),
            "--set unknown key \"darin\" in a profile (in \"darin=1s\") | did you mean \"drain\"?");
  EXPECT_EQ(problem("gates=[p95"),
            "--set YAML: end of sequence flow not found (in \"gates=[p95\")");
  EXPECT_EQ(problem("gates=[p95 < 3]"),
            "--set gate: a latency needs a unit (in \"gates=[p95 < 3]\") | write 3ms");
}

TEST(ProfileSet, DoesNotReachThroughAliases) {
  const std::string text =
      "name: t\npersonas: {p: [{stop: {}}]}\nscenarios:\n"
      "  a: &a {persona: p, model: open, stages: \"9s:1\"}\n  b: *a\n";
  const Profile profile = read(text, {"scenarios.a.users_max=7"});
  EXPECT_EQ(profile.scenarios[0].users_max, 7U);
  EXPECT_EQ(profile.scenarios[1].users_max, 0U);
}

TEST(ProfileReader, AShapeStandsForItsStages) {
  const Profile profile = read(with_scenario(
      "    persona: p\n    model: open\n    when_full: wait\n    shape: {steps: {rates: [10, 20], "
      "each: 5s}}\n"));
  const auto& load = std::get<OpenLoad>(profile.scenarios.at(0).load);
  EXPECT_EQ(load.start_rate, 10);
  EXPECT_EQ(load.stages.size(), 3u);
  EXPECT_TRUE(load.waits_when_full);
  EXPECT_EQ(load_length(profile.scenarios.at(0).load), seconds{10});
}

TEST(ProfileReader, ShapesAreCheckedWhereTheyStand) {
  EXPECT_EQ(problems(with_scenario(
                "    persona: p\n    model: open\n    shape: {spike: {peak: -1, hl: 3s}}\n    "
                "start: 4\n    when_full: block\n")),
            "7:27 -1 is out of range | from 0 to 1e+06\n"
            "7:31 unknown key \"hl\" in the shape spike | known are base, peak, half_life, for\n"
            "8:12 start beside a shape | keep one of the two\n"
            "9:16 unknown when_full \"block\" | drop or wait");
  EXPECT_NE(problems(with_scenario("    persona: p\n    model: open\n    shape: {wave: {}}\n"))
                .find("unknown shape \"wave\" | known are steady"),
            std::string::npos);
  EXPECT_NE(problems(with_scenario("    persona: p\n    model: closed\n    shape: {}\n"))
                .find("unknown key \"shape\""),
            std::string::npos);
}

}  // namespace
}  // namespace stampede
