// The parts of a profile that bring data of its own: feeders, secrets, functions, tags.
#pragma once

#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

inline constexpr std::size_t feeders_max = 64;
inline constexpr std::size_t secrets_max = 64;
inline constexpr std::size_t tags_max = 16;  // of one profile, scenario or step
inline constexpr std::size_t functions_bytes_max = std::size_t{64} << 10U;

void read_tags(Problems& problems, const YamlNode* node, Tags& into);

class DataReader {
 public:
  explicit DataReader(Problems& problems) : problems_(problems), values_(problems) {}

  void read(const Fields& fields, Profile& profile);
  // `feed` and `tags` of a scenario; the feeders must have been read.
  void read_scenario(const Fields& fields, const Profile& profile, ScenarioSpec& scenario);

 private:
  void read_feeders(const YamlNode* node, Profile& profile);
  FeederSpec read_feeder(const YamlNode& key, const YamlNode& node);
  void read_mode(const YamlNode* node, FeederSpec& feeder);
  void read_format(const Fields& fields, FeederSpec& feeder);
  void read_partition(const YamlNode* node, FeederSpec& feeder);
  void read_zipf(const YamlNode* node, FeederSpec& feeder);
  void read_secrets(const YamlNode* node, Profile& profile);
  void read_functions(const Fields& fields, Profile& profile);

  Problems& problems_;
  Values values_;
};

}  // namespace stampede
