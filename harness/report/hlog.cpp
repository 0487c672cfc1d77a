#include "harness/report/hlog.hpp"

#include <istream>
#include <ostream>

namespace stampede {

namespace {

constexpr std::string_view closing = "#[End: the log is whole]\n";

bool ends_with_closing(std::istream& log) {
  log.clear();
  log.seekg(-static_cast<std::streamoff>(closing.size()), std::ios::end);
  std::string last(closing.size(), '\0');
  return log.read(last.data(), static_cast<std::streamsize>(last.size())) && last == closing;
}

}  // namespace

HdrRead<HlogFacts> write_hlog(std::istream& log, std::ostream& out) {
  HdrLogReader reader(log);
  HlogFacts facts;
  while (true) {
    const auto next = reader.next();
    if (next.has_error()) return next.error();
    if (!*next) break;
    ++facts.intervals;
  }
  facts.whole = ends_with_closing(log);
  log.clear();
  log.seekg(0);
  out << log.rdbuf();
  return facts;
}

}  // namespace stampede
