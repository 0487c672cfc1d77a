#include "harness/run/redact_result.hpp"

namespace stampede {

void redact(RunResult& result, const Redactor& redactor) {
  if (redactor.empty()) return;
  const auto clean = [&redactor](std::string& text) { text = redactor.redacted(text); };
  for (std::string* const text : {&result.state_reason, &result.question, &result.pass_means,
                                  &result.profile_text, &result.topology, &result.ledger_note}) {
    clean(*text);
  }
  for (std::string& word : result.command_line) clean(word);
  for (std::string& defect : result.defects) clean(defect);
  for (auto& [name, value] : result.environment) clean(value);
  for (auto* const findings : {&result.findings, &result.diagnosis}) {
    for (Finding& finding : *findings) {
      clean(finding.measured);
      for (std::string& sample : finding.samples) clean(sample);
    }
  }
  for (auto& [outcome, example] : result.error_examples) clean(example);
  for (std::string& file : result.files) clean(file);
}

}  // namespace stampede
