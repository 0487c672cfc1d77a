// The text of a step's requests as far as it is the same for all of them: made once by each worker,
// copied by every request. What varies is written into the gaps: a path or header with variables, a
// body, the session's cookies.
#pragma once

#include <string>
#include <vector>

#include "harness/protocol/http_session.hpp"
#include "harness/protocol/plain_answer.hpp"
#include "harness/protocol/wire.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {

class RequestSketch {
 public:
  // `http` and `server` must stay.
  RequestSketch(const HttpStep& http, const ServerAddress& server);

  // Appends the request to exchange.request, and says what may be done with it and is wanted of its
  // answer. `cookies` may be nullptr where the step sends none. False: a value has no place where
  // it stands; exchange.problem says why, and nothing may be sent.
  [[nodiscard]] bool write(const Variables& variables, Random& random, HttpSession* cookies,
                           Exchange& exchange) const;
  [[nodiscard]] bool is_of(const HttpStep& http) const noexcept { return &http == http_; }
  // Gaps that are filled for every request.
  [[nodiscard]] std::size_t gaps() const noexcept { return gaps_.size(); }

 private:
  enum class Kind : std::uint8_t { path, header, cookies, body };
  struct Gap {
    Kind kind;
    std::string before;                 // since the last gap
    const Template* text;               // nullptr: of cookies
    const std::string* name = nullptr;  // of the header
  };
  void open_gap(Kind kind, const Template* text, const std::string* name = nullptr);
  void add_path(const ServerAddress& server);
  void add_headers();
  void add_body(const ServerAddress& server);
  [[nodiscard]] bool fill(const Gap& gap, const Variables& variables, Random& random,
                          HttpSession* cookies, Exchange& exchange) const;
  void append_body(std::string_view body, std::string& out) const;

  const HttpStep* http_;
  std::vector<Gap> gaps_;
  std::string rest_;  // since the last gap
  bool repeatable_, head_;
};

// What a worker remembers of a step.
struct StepMemory {
  StepMemory(const HttpStep& http, const ServerAddress& server) : request(http, server) {}
  RequestSketch request;
  PlainAnswerMemory answers;
};

}  // namespace stampede
