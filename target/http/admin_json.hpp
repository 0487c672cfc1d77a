// The bodies of the admin routes, read into plain values and written from them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "target/config.hpp"
#include "target/service/admin.hpp"

namespace boxoffice {

using Problems = std::vector<std::string>;

SeedPlan read_seed_plan(const nlohmann::json& body, Problems& problems);
// What is absent keeps the value of `now`.
EventEdit read_event_edit(const nlohmann::json& body, const EventInfo& now, Problems& problems);
PaymentConfig read_payment(const nlohmann::json& body, PaymentConfig now, Problems& problems);

nlohmann::json to_json(const Seeded& seeded);
nlohmann::json to_json(const EventInfo& event);
nlohmann::json to_json(const std::vector<AuditCheck>& checks);  // {ok, checks}
nlohmann::json to_json(const Quiet& quiet);
nlohmann::json to_json(const AdminStats& stats);
nlohmann::json to_json(const PaymentConfig& payment);
// Without secrets.
nlohmann::json to_json(const Config& config, const Switches& switches);

}  // namespace boxoffice
