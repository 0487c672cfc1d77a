#include "target/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

namespace boxoffice {
namespace {

// The one logger of the process; spdlog itself guards it against several threads.
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("boxoffice",
                                                 std::make_shared<spdlog::sinks::stdout_sink_mt>());
    made->set_pattern(R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})",
                      spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum level_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

// What happens outside of requests is one trace per process, so that every line has its trace.
const std::string& process_trace() {
  static const std::string id = [] {
    std::random_device device;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
  }();
  return id;
}

// As JSON, with the comma before; empty until the process knows where it listens.
std::string& labels() {
  static std::string text;
  return text;
}

void write(LogLevel level, std::string_view message, LogFields fields) {
  if (!log_enabled(level)) return;
  std::string line = log_line(message, fields);
  const bool traced =
      std::ranges::any_of(fields, [](const auto& field) { return field.first == "trace_id"; });
  if (!traced) line += R"(,"trace_id":")" + process_trace() + '"';
  line += labels();
  logger().log(level_of(level), line);
}

bool is_plain(std::string_view text) noexcept {
  return std::ranges::all_of(text,
                             [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

bool is_log_level(std::string_view name) noexcept {
  return name == "debug" || name == "info" || name == "warning" || name == "error";
}

void set_log_level(std::string_view name) {
  logger().set_level(spdlog::level::from_str(std::string(name)));
}

bool log_enabled(LogLevel level) noexcept { return logger().should_log(level_of(level)); }

void log_debug(std::string_view message, LogFields fields) {
  write(LogLevel::debug, message, fields);
}
void log_info(std::string_view message, LogFields fields) {
  write(LogLevel::info, message, fields);
}
void log_warning(std::string_view message, LogFields fields) {
  write(LogLevel::warning, message, fields);
}
void log_error(std::string_view message, LogFields fields) {
  write(LogLevel::error, message, fields);
}
void set_log_labels(std::string_view instance, std::string_view roles) {
  labels() = R"(,"instance":)" + json_string(instance) + R"(,"roles":)" + json_string(roles);
}
void flush_log() { logger().flush(); }

std::string log_line(std::string_view message, LogFields fields) {
  std::string line = "\"msg\":" + json_string(message);
  for (const auto& [name, value] : fields) {
    line += ',';
    line += json_string(name);
    line += ':';
    if (const auto* text = std::get_if<std::string>(&value)) line += json_string(*text);
    if (const auto* number = std::get_if<std::int64_t>(&value)) line += std::to_string(*number);
    if (const auto* figure = std::get_if<double>(&value)) line += nlohmann::json(*figure).dump();
    if (const auto* flag = std::get_if<bool>(&value)) line += *flag ? "true" : "false";
  }
  return line;
}

std::string json_string(std::string_view text) {
  if (is_plain(text)) return '"' + std::string(text) + '"';
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace boxoffice
