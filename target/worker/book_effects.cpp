#include "target/worker/book_effects.hpp"

#include "target/service/order.hpp"

namespace boxoffice {

namespace {

// False: a type that changes no figure.
bool enter(Sale& sale, const std::string& type, const OrderFacts& facts) {
  if (type == "ORDER_CREATED") {
    sale.created = 1;
  } else if (type == "ORDER_CONFIRMED") {
    sale.confirmed = 1;
    sale.seats = facts.seats.size();
    sale.revenue = facts.amount;
  } else if (type == "PAYMENT_FAILED") {
    sale.declined = 1;
  } else if (type == "ORDER_CANCELLED") {
    sale.cancelled = 1;
  } else if (type == "ORDER_EXPIRED") {
    sale.expired = 1;
  } else if (type == "ORDER_REFUNDED") {
    sale.refunded = 1;
    sale.refunded_amount = facts.amount;
  } else {
    return false;
  }
  return true;
}

}  // namespace

Task<std::vector<StreamEntry>> notify_events(EventBooks& books, std::vector<StreamEntry> entries) {
  std::vector<StreamEntry> strangers;
  std::vector<Notice> notices;
  for (StreamEntry& entry : entries) {
    const auto facts = event_facts(entry.payload);
    if (!facts) {
      strangers.push_back(std::move(entry));
    } else if (entry.type != "ORDER_CREATED") {
      notices.push_back({entry.outbox_id, facts->user, facts->id, std::move(entry.type)});
    }
  }
  static_cast<void>(co_await books.note(std::move(notices)));
  co_return strangers;
}

Task<std::vector<StreamEntry>> count_events(EventBooks& books, std::vector<StreamEntry> entries) {
  std::vector<StreamEntry> strangers;
  std::vector<Sale> sales;
  for (StreamEntry& entry : entries) {
    const auto facts = event_facts(entry.payload);
    if (!facts) {
      strangers.push_back(std::move(entry));
      continue;
    }
    Sale sale;
    sale.outbox_id = entry.outbox_id;
    sale.event = facts->event;
    sale.epoch = facts->epoch;
    if (enter(sale, entry.type, *facts)) sales.push_back(sale);
  }
  static_cast<void>(co_await books.add(std::move(sales)));
  co_return strangers;
}

Task<std::vector<StreamEntry>> advance_saga(OrderSweeper& sweeper,
                                            std::vector<StreamEntry> entries) {
  bool owed = false;
  for (const StreamEntry& entry : entries) owed = owed || entry.type == "REFUND_REQUESTED";
  if (owed) static_cast<void>(co_await sweeper.refund());
  co_return std::vector<StreamEntry>{};
}

}  // namespace boxoffice
