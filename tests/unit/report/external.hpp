// Asks a public checker (xmllint, python3 jsonschema) about a text.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace stampede {

// Writes `text` to a private file and runs `command`, in which {} stands for its path.
testing::AssertionResult accepted_by(const std::string& command, const std::string& text);
bool command_works(const std::string& command);
std::filesystem::path public_vectors();  // may not exist

}  // namespace stampede
