// The house rules that a compiler does not check: who may include whom, which room third-party code
// stays in, function and line length, banned words, files that no CMakeLists names, two types of
// one name. Each problem is printed as `file:line: error: …`.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "test_paths.hpp"

namespace {

namespace fs = std::filesystem;

constexpr std::size_t line_columns_max = 100;
constexpr int function_lines_max = 70;

struct SourceFile {
  std::string path;  // from the repository root
  std::vector<std::string> lines;
};

using Problems = std::vector<std::string>;

void add(Problems& problems, const SourceFile& file, std::size_t line, const std::string& text) {
  problems.push_back(file.path + ":" + std::to_string(line) + ": error: " + text);
}

std::vector<SourceFile> read_tree(const fs::path& root, const std::vector<std::string>& folders) {
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      SourceFile file{fs::relative(entry.path(), root).string(), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

// "harness/load/drive.cpp" → "harness/load"; "harness/main.cpp" → "harness/main"; other files
// directly below → "harness/ground".
std::string room_of(const std::string& path) {
  const auto first = path.find('/');
  const auto second = path.find('/', first + 1);
  if (second != std::string::npos) return path.substr(0, second);
  const std::string stem = fs::path(path).stem().string();
  const std::string program = path.substr(0, first);
  return program + (stem == "main" || stem == "app" ? "/main" : "/ground");
}

// Who may include whom. Every room may include itself and its program's ground (time, diagnostic,
// outcome, exit codes; config, metrics, switches). target/ground holds parts.hpp, the composition's
// vocabulary, so it may name all.
const std::map<std::string, std::set<std::string>>& allowed() {
  static const std::map<std::string, std::set<std::string>> rules{
      {"harness/main", {"harness/cli", "harness/run"}},
      {"harness/cli",
       {"harness/run", "harness/profile", "harness/scenario", "harness/topology", "harness/report",
        "harness/judge"}},
      {"harness/run",
       {"harness/report", "harness/judge", "harness/topology", "harness/load", "harness/scenario",
        "harness/profile", "harness/measure", "harness/history"}},
      {"harness/report", {"harness/judge", "harness/measure"}},
      {"harness/judge", {"harness/history", "harness/profile", "harness/measure"}},
      {"harness/topology", {"harness/profile", "harness/history"}},
      {"harness/load",
       {"harness/scenario", "harness/protocol", "harness/measure", "harness/history",
        "harness/profile"}},
      {"harness/scenario", {"harness/profile"}},
      {"harness/protocol", {"harness/measure"}},
      {"harness/history", {"harness/measure"}},
      {"harness/profile", {}},
      {"harness/measure", {}},
      {"harness/ground", {}},
      {"target/main",
       {"target/domain", "target/service", "target/store", "target/worker", "target/http"}},
      {"target/http", {"target/service", "target/domain"}},
      {"target/worker", {"target/service", "target/domain"}},
      {"target/store", {"target/service", "target/domain"}},
      {"target/service", {"target/domain"}},
      {"target/domain", {}},
      {"target/ground", {"target/domain", "target/service", "target/store", "target/http"}},
  };
  return rules;
}

const std::regex include_line(R"re(^\s*#\s*include\s*["<]([^">]+)[">])re");

Problems include_problems(const std::vector<SourceFile>& files) {
  Problems problems;
  for (const SourceFile& file : files) {
    const std::string room = room_of(file.path);
    const std::string program = file.path.substr(0, file.path.find('/'));
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, include_line)) continue;
      const std::string included = match[1];
      const bool ours = included.starts_with("harness/") || included.starts_with("target/") ||
                        included.starts_with("tests/");
      if (!ours) continue;
      const std::string other = room_of(included);
      const bool fine = other == room || (other == program + "/ground") ||
                        (allowed().contains(room) && allowed().at(room).contains(other));
      if (!fine) add(problems, file, i + 1, room + " may not include " + other);
    }
  }
  return problems;
}

Problems third_party_problems(const std::vector<SourceFile>& files) {
  struct Rule {
    std::regex header;
    std::regex rooms;
    std::string name;
  };
  const std::vector<Rule> rules{
      {std::regex("^yaml-cpp/"), std::regex("^harness/profile/profile_reader"), "yaml-cpp"},
      {std::regex("^(lua|lauxlib|lualib)\\.(h|hpp)$|^lua5"), std::regex("^harness/scenario/"),
       "Lua"},
      {std::regex("^re2/"), std::regex("^harness/scenario/regex_"), "RE2"},
      {std::regex("^boost/beast"),
       std::regex("^(harness/(protocol|topology)|target/(http|worker))/"), "Beast"},
      {std::regex("^hiredis/|^hiredis\\.h|^(mysql|mariadb)/|^mysql\\.h"),
       std::regex("^(harness/topology|target/store)/"), "a database driver"},
      {std::regex("^CLI/"), std::regex("^(harness/cli|target)/[^/]*$"), "CLI11"},
      {std::regex("^prometheus/"), std::regex("^target/metrics"), "prometheus-cpp"},
  };
  Problems problems;
  for (const SourceFile& file : files) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, include_line)) continue;
      const std::string header = match[1];
      for (const Rule& rule : rules) {
        if (std::regex_search(header, rule.header) && !std::regex_search(file.path, rule.rooms)) {
          add(problems, file, i + 1, rule.name + " is not for this folder");
        }
      }
    }
  }
  return problems;
}

// Columns as a reader counts them: UTF-8 continuation bytes are not columns.
std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Problems line_problems(const std::vector<SourceFile>& files) {
  Problems problems;
  for (const SourceFile& file : files) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::size_t width = columns(file.lines[i]);
      if (width > line_columns_max) {
        add(problems, file, i + 1, "line has " + std::to_string(width) + " columns, at most 100");
      }
    }
  }
  return problems;
}

std::size_t indent_of(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool ends_statement(const std::string& line) {
  const auto last = line.find_last_not_of(' ');
  if (last == std::string::npos) return true;
  const char c = line[last];
  return c == ';' || c == '}' || c == '{' || line[indent_of(line)] == '#' ||
         line.compare(indent_of(line), 2, "//") == 0 || line.ends_with("public:") ||
         line.ends_with("private:");
}

// The formatter fixes the shape: a body opens with '{' at a line's end and closes with '}' at the
// indent of the line its head began on.
Problems function_problems(const std::vector<SourceFile>& files) {
  static const std::regex no_function(
      R"(^\s*(namespace|class|struct|enum|union|extern|if|for|while|switch|do|else|try|return|)"
      R"(co_return|case|default|\}|constexpr .*=|const .*=|inline constexpr .*=|)"
      R"(static const .*=).*)");
  Problems problems;
  for (const SourceFile& file : files) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (!line.ends_with("{") || line.find("//") < line.size()) continue;
      std::size_t head = i;
      while (head > 0 && !ends_statement(file.lines[head - 1])) --head;
      const std::string& first = file.lines[head];
      std::string whole;
      for (std::size_t at = head; at <= i; ++at) whole += file.lines[at];
      if (whole.find('(') == std::string::npos || std::regex_match(first, no_function)) continue;
      const std::string closing = std::string(indent_of(first), ' ') + "}";
      for (std::size_t end = i + 1; end < file.lines.size(); ++end) {
        if (!file.lines[end].starts_with(closing)) continue;
        const int length = static_cast<int>(end - head) + 1;
        if (length > function_lines_max) {
          add(problems, file, head + 1,
              "function has " + std::to_string(length) + " lines, at most 70");
        }
        break;
      }
    }
  }
  return problems;
}

Problems word_problems(const std::vector<SourceFile>& files) {
  struct Word {
    std::regex pattern;
    std::string why;
    std::regex except;
  };
  const std::regex nowhere("^$");
  const std::regex mains("^(harness|target)/main\\.cpp$");
  const std::vector<Word> words{
      {std::regex("asio::detached"), "every spawn needs a handler that records or rethrows",
       nowhere},
      {std::regex("\\bgetenv\\b"), "the environment is read in main only", mains},
      {std::regex("\\bgettimeofday\\b"), "a wall clock that steps", nowhere},
      {std::regex("\\b(TODO|FIXME|XXX)\\b"), "unfinished work belongs in an issue", nowhere},
      {std::regex("using namespace std\\b"), "name what you use", nowhere},
      {std::regex("^\\s*#\\s*pragma GCC diagnostic"), "mend the warning", nowhere},
  };
  Problems problems;
  for (const SourceFile& file : files) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const Word& word : words) {
        if (std::regex_search(file.lines[i], word.pattern) &&
            !std::regex_search(file.path, word.except)) {
          add(problems, file, i + 1, "banned: " + word.why);
        }
      }
    }
  }
  return problems;
}

Problems unlisted_problems(const fs::path& root, const std::vector<SourceFile>& files) {
  std::string lists;
  for (const std::string folder : {"harness", "target", "tests", "bench"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.path().filename() != "CMakeLists.txt" && entry.path().extension() != ".cmake")
        continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      lists += text.str();
    }
  }
  Problems problems;
  for (const SourceFile& file : files) {
    if (!file.path.ends_with(".cpp")) continue;
    const std::string name = fs::path(file.path).filename().string();
    if (lists.find(name) == std::string::npos)
      add(problems, file, 1, "no CMakeLists names this file");
  }
  return problems;
}

struct TypeDefinition {
  std::string name;  // with its namespaces
  const SourceFile* file;
  std::size_t line;  // from 1
};

// Is a type that begins on this line defined here, or only declared?
bool is_definition(const std::vector<std::string>& lines, std::size_t at) {
  for (; at < lines.size(); ++at) {
    const auto found = lines[at].find_first_of("{;");
    if (found != std::string::npos) return lines[at][found] == '{';
  }
  return false;
}

// The types that a file defines in namespaces with a name, by the shape that the formatter gives:
// what stands directly in a namespace is not indented. Specialisations of templates are left out.
void collect_types(const SourceFile& file, std::vector<TypeDefinition>& into) {
  static const std::regex opens(R"(^(inline )?namespace ?([\w:]*) \{)");
  static const std::regex closes(R"(^\} *// namespace)");
  static const std::regex type(
      R"(^(?:template <.*> )?(?:struct|class|union|enum class|enum struct|enum) )"
      R"((?:\[\[.*\]\] )?([\w:]+)(?![\w:<]))");
  std::vector<std::string> namespaces;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(file.lines[i], match, opens)) {
      namespaces.push_back(match[2]);
      continue;
    }
    if (std::regex_search(file.lines[i], closes) && !namespaces.empty()) namespaces.pop_back();
    const bool hidden = std::ranges::find(namespaces, "") != namespaces.end();
    if (hidden || !std::regex_search(file.lines[i], match, type)) continue;
    if (!is_definition(file.lines, i)) continue;
    std::string name;
    for (const std::string& each : namespaces) name += each + "::";
    into.push_back({name + match[1].str(), &file, i + 1});
  }
}

// What a file is linked with: "" with everything, else with what has the same answer. A test
// belongs to the programs of its folder, a benchmark to itself.
std::string linked_with(const std::string& path) {
  if (path.starts_with("bench/")) return path;
  const bool test = path.starts_with("tests/") && !path.starts_with("tests/support/");
  return test ? fs::path(path).parent_path().string() : "";
}

// Two types of one name in one program: the linker keeps one's inline functions for both.
Problems type_problems(const std::vector<SourceFile>& files) {
  std::vector<TypeDefinition> types;
  for (const SourceFile& file : files) collect_types(file, types);
  std::map<std::string, std::vector<const TypeDefinition*>> by_name;
  Problems problems;
  for (const TypeDefinition& later : types) {
    std::vector<const TypeDefinition*>& same = by_name[later.name];
    const std::string group = linked_with(later.file->path);
    for (const TypeDefinition* earlier : same) {
      const std::string other = linked_with(earlier->file->path);
      if (earlier->file == later.file || (!group.empty() && !other.empty() && group != other))
        continue;
      add(problems, *later.file, later.line,
          later.name + " is also defined in " + earlier->file->path + ":" +
              std::to_string(earlier->line));
      break;
    }
    same.push_back(&later);
  }
  return problems;
}

fs::path source_root() { return STAMPEDE_SOURCE_DIR; }

void expect_none(const Problems& problems) {
  for (const std::string& problem : problems) ADD_FAILURE() << problem;
}

// A made-up tree that breaks every rule: the checks must see it, or their silence on ours means
// nothing.
std::vector<SourceFile> broken_tree() {
  SourceFile file{
      "harness/measure/broken.cpp",
      {"#include \"harness/report/run_result.hpp\"", "#include <yaml-cpp/yaml.h>", "// TODO later",
       std::string(101, '/'), "int long_one(int a,", "             int b) {"}};
  for (int i = 0; i < 80; ++i) file.lines.emplace_back("  a += b;");
  file.lines.emplace_back("}");
  return {file};
}

TEST(Tidy, SeesABrokenTree) {
  const auto tree = broken_tree();
  EXPECT_EQ(include_problems(tree).size(), 1U);
  EXPECT_EQ(third_party_problems(tree).size(), 1U);
  EXPECT_EQ(line_problems(tree).size(), 1U);
  EXPECT_EQ(function_problems(tree).size(), 1U);
  EXPECT_EQ(word_problems(tree).size(), 1U);
  EXPECT_EQ(unlisted_problems(source_root(), tree).size(), 1U);
  EXPECT_EQ(include_problems(tree).front(),
            "harness/measure/broken.cpp:1: error: harness/measure may not include harness/report");
}

SourceFile stampede_file(std::string path, const std::vector<std::string>& inside) {
  SourceFile file{std::move(path), {"namespace stampede {"}};
  file.lines.insert(file.lines.end(), inside.begin(), inside.end());
  file.lines.emplace_back("}  // namespace stampede");
  return file;
}

TEST(Tidy, SeesTwoTypesOfOneName) {
  const std::vector<SourceFile> tree{
      stampede_file("harness/judge/finding.hpp", {"struct Check {", "};", "class Later;"}),
      stampede_file("harness/profile/check.hpp",
                    {"class Check final", "    : public Base {", "};", "enum class Later {};"}),
      stampede_file("tests/unit/judge/a_test.cpp", {"union Later {", "};", "struct Own {", "};"}),
      stampede_file("tests/unit/profile/b_test.cpp", {"struct Own {", "};"})};
  EXPECT_EQ(type_problems(tree),
            (Problems{"harness/profile/check.hpp:2: error: stampede::Check is also defined in "
                      "harness/judge/finding.hpp:2",
                      "tests/unit/judge/a_test.cpp:2: error: stampede::Later is also defined in "
                      "harness/profile/check.hpp:5"}))
      << "and not Own: the two tests are two programs";
}

TEST(Tidy, TypesThatDoNotClashMayShareAName) {
  const std::vector<SourceFile> tree{
      stampede_file("harness/judge/a.cpp",
                    {"namespace {", "struct Check {", "};", "}  // namespace", "struct Nested {",
                     "  struct Check {", "  };", "};"}),
      stampede_file("harness/judge/b.cpp",
                    {"struct Check {", "};", "template <>", "struct Hash<Check> {", "};"}),
      stampede_file("harness/judge/c.cpp",
                    {"namespace inner {", "struct Check {", "};", "}  // namespace inner",
                     "struct Check;", "struct Hash<int> {", "};"})};
  EXPECT_EQ(type_problems(tree), Problems{});
}

TEST(Tidy, NoTwoTypesOfOneName) {
  expect_none(type_problems(read_tree(source_root(), {"harness", "target", "tests", "bench"})));
}

TEST(Tidy, IncludesKeepTheirDirection) {
  expect_none(include_problems(read_tree(source_root(), {"harness", "target"})));
}
TEST(Tidy, ThirdPartyCodeStaysInItsRooms) {
  expect_none(third_party_problems(read_tree(source_root(), {"harness", "target"})));
}
TEST(Tidy, LinesAndFunctionsAreShort) {
  expect_none(line_problems(read_tree(source_root(), {"harness", "target", "tests", "bench"})));
  expect_none(function_problems(read_tree(source_root(), {"harness", "target", "bench"})));
}
TEST(Tidy, NoBannedWords) {
  expect_none(word_problems(read_tree(source_root(), {"harness", "target"})));
}
TEST(Tidy, EveryFileIsListed) {
  expect_none(unlisted_problems(source_root(),
                                read_tree(source_root(), {"harness", "target", "tests", "bench"})));
}

}  // namespace
