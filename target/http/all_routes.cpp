#include "target/http/all_routes.hpp"

#include "target/auction_parts.hpp"
#include "target/http/routes_events.hpp"
#include "target/http/routes_health.hpp"
#include "target/http/routes_page.hpp"
#include "target/http/routes_provider.hpp"
#include "target/practice_parts.hpp"

namespace boxoffice {

std::vector<std::shared_ptr<void>> add_all_routes(ThreadContext& thread, ServerLoad& load,
                                                  const std::atomic<bool>& prepared,
                                                  ProviderBooks& provider_books,
                                                  SeatNewsBoard& seat_news, RouteTable& table) {
  std::vector<std::shared_ptr<void>> owners{add_health_routes(thread, load, prepared, table),
                                            add_event_routes(thread, seat_news, table),
                                            add_account_routes(thread, table),
                                            add_venue_routes(thread, table),
                                            add_queue_routes(thread, table),
                                            add_reservation_routes(thread, table),
                                            add_order_routes(thread, table),
                                            add_payment_routes(thread, table),
                                            add_provider_routes(thread, provider_books, table),
                                            add_auction_routes(thread, table),
                                            add_practice_routes(thread, table),
                                            add_admin_routes(thread, table)};
  add_page_routes(table);
  return owners;
}

}  // namespace boxoffice
