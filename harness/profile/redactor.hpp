// Takes secrets out of texts before they leave the process: examples of errors, reports, messages.
// Knows a secret as it is and in the forms that a server or a writer gives it: percent-encoded,
// escaped for JSON and HTML, and within base64 at any of its three alignments. It cannot know what
// a user's own function made of one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stampede {

class Redactor {
 public:
  Redactor() = default;
  explicit Redactor(const std::vector<std::string>& secrets);
  [[nodiscard]] bool empty() const noexcept { return forms_.empty(); }
  // Every form becomes "***"; so does the beginning of a secret at the text's end, where somebody
  // may have cut it.
  [[nodiscard]] std::string redacted(std::string_view text) const;

 private:
  void add(std::string form);
  std::vector<std::string> forms_;  // longest first
};

}  // namespace stampede
