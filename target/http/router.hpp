// Finds the row of the route table that serves a path. 404 and 405 fall out of the table's shape.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "target/http/api.hpp"

namespace boxoffice {

enum class Surface : std::uint8_t { main, admin };  // which port

// A trie over path segments: literals before parameters, no regular expressions. Rows with an empty
// role (health, metrics) are served on every port and whatever --roles says.
class Router {
 public:
  struct Found {
    const Route* route = nullptr;
    const WebSocketRoute* websocket = nullptr;
    std::string allow;  // of a known path without that method; empty: unknown path
  };

  // `table` must outlive the router and not change.
  Router(const RouteTable& table, Surface surface, const std::set<std::string>& roles);

  // Fills `parameters` with views into `path`. HEAD finds the GET row.
  Found find(std::string_view method, std::string_view path,
             std::vector<std::string_view>& parameters) const;

 private:
  struct Node {
    std::vector<std::pair<std::string_view, std::uint32_t>> literals;
    std::uint32_t parameter = 0;  // 0: none, as the root is nobody's child
    std::vector<const Route*> routes;
    const WebSocketRoute* websocket = nullptr;
  };

  std::uint32_t node_for(std::string_view pattern);
  const Node* walk(std::uint32_t at, std::string_view rest,
                   std::vector<std::string_view>& parameters) const;

  std::vector<Node> nodes_{1};
};

}  // namespace boxoffice
