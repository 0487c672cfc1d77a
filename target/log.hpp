// JSON lines on standard output: one object per line with ts, level, msg, the given fields and
// trace_id (the request's, or that of the process for what belongs to no request), and the labels
// of the process.
// Never give it a secret, a token or a body.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace boxoffice {

using LogValue = std::variant<std::int64_t, double, bool, std::string>;
using LogFields = std::initializer_list<std::pair<std::string_view, LogValue>>;

enum class LogLevel : std::uint8_t { debug, info, warning, error };

bool is_log_level(std::string_view name) noexcept;  // debug info warning error
void set_log_level(std::string_view name);
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;

void log_debug(std::string_view message, LogFields fields = {});
void log_info(std::string_view message, LogFields fields = {});
void log_warning(std::string_view message, LogFields fields = {});
void log_error(std::string_view message, LogFields fields = {});
// Labels of every further line: which process writes it. Call it while there is one thread.
void set_log_labels(std::string_view instance, std::string_view roles);
void flush_log();

std::string log_line(std::string_view message, LogFields fields);  // without ts and level
// A JSON string with its quotes; bytes that are not UTF-8 are replaced.
std::string json_string(std::string_view text);

}  // namespace boxoffice
