// The event streams (Redis Streams) as the relay and the consumers need them. All throw
// StoreUnavailable("redis").
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/domain/task.hpp"

namespace boxoffice {

struct OutboxRow {
  std::uint64_t id = 0;
  std::string stream, type, payload;
};
struct StreamEntry {
  std::string stream, id;  // stream without the prefix st:
  std::uint64_t outbox_id = 0;
  std::string type, payload;
};
struct StreamRead {
  bool no_group = false;  // the stream or the group is gone: Redis lost its data
  std::vector<StreamEntry> entries;
};
struct StreamClaim {
  bool no_group = false;
  std::vector<StreamEntry> again;  // to be tried again
  std::vector<StreamEntry> dead;   // delivered too often
};

class EventStreams {
 public:
  virtual ~EventStreams() = default;
  // The entry ids, in order; an append that Redis refused is an empty id.
  virtual Task<std::vector<std::string>> append(std::vector<OutboxRow> rows) = 0;
  // From the stream's start. True: it was made now; false: it was there.
  virtual Task<bool> create_group(std::string stream, std::string group) = 0;
  virtual Task<StreamRead> read(std::string group, std::string consumer,
                                std::vector<std::string> streams, std::uint32_t count,
                                Millis block) = 0;
  virtual Task<void> acknowledge(std::string group, std::vector<StreamEntry> entries) = 0;
  // Takes over what nobody acknowledged for `idle`; more than `deliveries_max` tries: dead.
  virtual Task<StreamClaim> claim(std::string stream, std::string group, std::string consumer,
                                  Millis idle, std::uint32_t deliveries_max) = 0;
  // Appends to st:dead and acknowledges.
  virtual Task<void> bury(std::string group, StreamEntry entry) = 0;
  virtual Task<std::uint64_t> pending(std::string stream, std::string group) = 0;
  // Drops what every group has acknowledged.
  virtual Task<void> trim(std::string stream) = 0;
};

}  // namespace boxoffice
