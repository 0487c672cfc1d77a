// Broken infrastructure. Thrown only in store/, caught once, where HTTP answers 503.
#pragma once

#include <stdexcept>
#include <string>

namespace boxoffice {

struct StoreUnavailable : std::runtime_error {
  StoreUnavailable(std::string dependency, const std::string& reason)
      : std::runtime_error(dependency + ": " + reason), dependency_(std::move(dependency)) {}
  [[nodiscard]] const std::string& dependency() const noexcept {
    return dependency_;
  }  // "redis" "mysql"

 private:
  std::string dependency_;
};
// The connection broke inside COMMIT: the transaction may or may not have happened.
struct CommitUnknown : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace boxoffice
