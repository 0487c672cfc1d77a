// YAML text → a tree of nodes that know their places. Of the reader's files only this one's .cpp
// sees yaml-cpp. Duplicate keys, tags, too many or too deep nodes are found here; meaning is not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diagnostic.hpp"

namespace stampede {

inline constexpr std::size_t yaml_bytes_max = std::size_t{1} << 20U;
inline constexpr std::size_t yaml_depth_max = 64;
inline constexpr std::uint64_t yaml_nodes_max = 1'000'000;  // after aliases are followed

struct YamlNode;
using YamlNodePtr = std::shared_ptr<const YamlNode>;

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  struct Member {
    YamlNodePtr key, value;
  };

  Kind kind = Kind::null;
  std::string text;        // scalar
  bool quoted = false;     // scalar in quotes or a block: a text, whatever it looks like
  bool rewritten = false;  // the file spells the scalar with escapes or folds
  Place place;             // first character of the content; none for what --set brought
  std::size_t set = 0;     // 0: from the file; n: from the n-th --set
  std::vector<YamlNodePtr> items;
  std::vector<Member> members;
  std::uint64_t weight = 1;  // nodes of the whole tree below, this one included
  std::size_t height = 1;    // levels of it

  [[nodiscard]] YamlNodePtr find(std::string_view key) const;
};

// nullptr, or a tree whose problems are in `problems` all the same. Places in `problems` are those
// of the text; their file is empty. The tree of an empty text is a null node.
YamlNodePtr parse_yaml(std::string_view text, Diagnostics& problems);

// The tree with the value of one override put in at its dotted path ("data.events.0.rows=20").
// `number` becomes the `set` of its nodes. Problems have no place.
YamlNodePtr with_override(const YamlNodePtr& root, const std::string& assignment,
                          std::size_t number, Diagnostics& problems);

}  // namespace stampede
