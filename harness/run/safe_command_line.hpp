// The command line for the record: what was typed, without the credentials in it.
#pragma once

#include <string>
#include <vector>

namespace stampede {

// Values of `--set` that set a credential, and of `-H` whose header carries one, become ***. Each
// of `secrets` (none may be empty) is taken out wherever it stands.
[[nodiscard]] std::vector<std::string> safe_command_line(std::vector<std::string> words,
                                                         const std::vector<std::string>& secrets);

}  // namespace stampede
