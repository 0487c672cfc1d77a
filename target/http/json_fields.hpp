// Reads the fields of a JSON object in a request's body. Every problem is kept, so that the answer
// names all of them at once.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace boxoffice {

class JsonFields {
 public:
  // `where` is how a problem names the object: "events[0]", or "" for the body itself. `object`
  // must outlive this; anything but an object is a problem and has no fields. null counts as
  // absent.
  JsonFields(const nlohmann::json& object, std::string where, std::vector<std::string>& problems);

  std::optional<std::int64_t> whole(const char* name, std::int64_t min, std::int64_t max);
  std::optional<double> number(const char* name, double min, double max);
  std::optional<bool> flag(const char* name);
  std::optional<std::string> text(const char* name, std::size_t bytes_max);
  // Letters, digits, '-' and '_' only: what may stand in SQL made at run time.
  std::optional<std::string> word(const char* name, std::size_t bytes_max);
  std::optional<std::int64_t> instant(const char* name);  // epoch ms, or RFC 3339
  const nlohmann::json* object(const char* name);
  const nlohmann::json* array(const char* name, std::size_t size_max);
  void problem(const char* name, const std::string& what);

 private:
  const nlohmann::json* find(const char* name) const;

  const nlohmann::json& object_;
  std::string where_;
  std::vector<std::string>& problems_;
};

bool is_word(const std::string& text, std::size_t bytes_max) noexcept;

}  // namespace boxoffice
