#include "target/http/router.hpp"

namespace boxoffice {
namespace {

// "/a/b" → "a", and `rest` becomes "/b". Paths begin with '/'.
std::string_view take_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

std::string allowed_methods(const std::vector<const Route*>& routes) {
  std::string allow;
  for (const Route* route : routes) {
    if (!allow.empty()) allow += ", ";
    allow += route->method;
    if (route->method == "GET") allow += ", HEAD";
  }
  return allow;
}

}  // namespace

Router::Router(const RouteTable& table, Surface surface, const std::set<std::string>& roles) {
  const auto served = [&roles](std::string_view role) {
    return role.empty() || roles.contains(std::string(role));
  };
  for (const Route& route : table.routes) {
    const bool here = route.role.empty() || route.admin == (surface == Surface::admin);
    if (here && served(route.role)) nodes_[node_for(route.pattern)].routes.push_back(&route);
  }
  if (surface == Surface::admin) return;
  for (const WebSocketRoute& route : table.websockets) {
    if (served(route.role)) nodes_[node_for(route.path)].websocket = &route;
  }
}

std::uint32_t Router::node_for(std::string_view pattern) {
  std::uint32_t at = 0;
  while (!pattern.empty()) {
    const std::string_view segment = take_segment(pattern);
    std::uint32_t next = 0;
    if (segment.starts_with('{')) {
      next = nodes_[at].parameter;
    } else {
      for (const auto& [name, node] : nodes_[at].literals) {
        if (name == segment) next = node;
      }
    }
    if (next == 0) {
      next = static_cast<std::uint32_t>(nodes_.size());
      if (segment.starts_with('{')) {
        nodes_[at].parameter = next;
      } else {
        nodes_[at].literals.emplace_back(segment, next);
      }
      nodes_.emplace_back();
    }
    at = next;
  }
  return at;
}

// Subtle: a literal may lead to a dead end where the parameter would not ("/a/me/x" with "/a/me"
// and
// "/a/{id}/x"), so the parameter is tried after it. The table's depth bounds the recursion.
const Router::Node* Router::walk(std::uint32_t at, std::string_view rest,
                                 std::vector<std::string_view>& parameters) const {
  const Node& node = nodes_[at];
  if (rest.empty()) return node.routes.empty() && node.websocket == nullptr ? nullptr : &node;
  const std::string_view segment = take_segment(rest);
  for (const auto& [name, child] : node.literals) {
    if (name != segment) continue;
    if (const Node* found = walk(child, rest, parameters)) return found;
  }
  if (node.parameter == 0 || segment.empty()) return nullptr;
  parameters.push_back(segment);
  if (const Node* found = walk(node.parameter, rest, parameters)) return found;
  parameters.pop_back();
  return nullptr;
}

Router::Found Router::find(std::string_view method, std::string_view path,
                           std::vector<std::string_view>& parameters) const {
  parameters.clear();
  Found found;
  if (!path.starts_with('/')) return found;
  const Node* const node = walk(0, path, parameters);
  if (node == nullptr) return found;
  found.websocket = node->websocket;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Route* route : node->routes) {
    if (route->method == wanted) found.route = route;
  }
  if (found.route == nullptr) found.allow = allowed_methods(node->routes);
  return found;
}

}  // namespace boxoffice
