// Answers that several groups of routes give in the same words.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "target/http/api.hpp"

namespace boxoffice {

inline No refuse(Refusal refusal, std::string detail) {
  No no;
  no.refusal = refusal;
  no.detail = std::move(detail);
  return no;
}

// 422 with every problem of the body at once.
inline HttpResponse invalid(const std::vector<std::string>& problems, const HttpRequest& request) {
  return problem(refuse(Refusal::validation_failed, fmt::format("{}", fmt::join(problems, "; "))),
                 request);
}

// Bytes that are no UTF-8 are replaced, never an exception.
inline HttpResponse answer(const nlohmann::json& json, int status = 200) {
  return json_response(status, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace boxoffice
