// Every legitimate no of the API: status, code and title in one table, so that the classes mean the
// same on every route.
#pragma once

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace boxoffice {

enum class Refusal : std::uint8_t {
  malformed,
  missing_idempotency_key,
  no_token,
  bad_token,
  forbidden,
  not_admitted,
  not_found,
  method_not_allowed,
  body_too_large,
  unsupported_media_type,
  seat_held,
  seat_claimed,
  bid_too_low,
  already_paid,
  in_progress,
  already_final,
  hold_expired,
  order_expired,
  pass_expired,
  ghosted,
  sale_ended,
  auction_closed,
  offer_over,
  validation_failed,
  seat_sold,
  seat_unknown,
  seat_locked,
  quota_exceeded,
  bid_limit,
  amount_mismatch,
  idempotency_key_reused,
  sale_not_open,
  auction_not_open,
  auction_running,
  window_closed,
  rate_limited,
  queue_full,
  internal,
  overloaded,
  dependency_down,
  rebuilding,
  pg_timeout,
  commit_unknown,
  login_taken,
  bad_credentials
};
struct RefusalRow {
  Refusal refusal;
  std::uint16_t status;
  std::string_view code;  // SEAT_HELD
  std::string_view slug;  // /problems/<slug>
  std::string_view title;
};
inline constexpr auto refusal_table = std::to_array<RefusalRow>({
    {Refusal::malformed, 400, "MALFORMED", "malformed", "The request is malformed"},
    {Refusal::missing_idempotency_key, 400, "IDEMPOTENCY_KEY_MISSING", "idempotency-key-missing",
     "This request needs an Idempotency-Key header of 1 to 300 ASCII characters"},
    {Refusal::no_token, 401, "UNAUTHENTICATED", "unauthenticated", "A bearer token is needed"},
    {Refusal::bad_token, 401, "TOKEN_INVALID", "token-invalid", "The bearer token is not valid"},
    {Refusal::forbidden, 403, "FORBIDDEN", "forbidden", "This belongs to another user"},
    {Refusal::not_admitted, 403, "NOT_ADMITTED", "not-admitted", "Enter the waiting room first"},
    {Refusal::not_found, 404, "NOT_FOUND", "not-found", "There is no such thing"},
    {Refusal::method_not_allowed, 405, "METHOD_NOT_ALLOWED", "method-not-allowed",
     "This path does not know that method"},
    {Refusal::body_too_large, 413, "BODY_TOO_LARGE", "body-too-large", "The body is over 16 KiB"},
    {Refusal::unsupported_media_type, 415, "UNSUPPORTED_MEDIA_TYPE", "unsupported-media-type",
     "The body must be application/json"},
    {Refusal::seat_held, 409, "SEAT_HELD", "seat-held", "Seat is held by another user"},
    {Refusal::seat_claimed, 409, "SEAT_CLAIMED", "seat-claimed",
     "Seat is claimed by another order"},
    {Refusal::bid_too_low, 409, "BID_TOO_LOW", "bid-too-low", "The bid is too low now"},
    {Refusal::already_paid, 409, "ALREADY_PAID", "already-paid", "The order is paid"},
    {Refusal::in_progress, 409, "IN_PROGRESS", "in-progress", "The same request is still running"},
    {Refusal::already_final, 409, "ALREADY_FINAL", "already-final", "The order is already final"},
    {Refusal::hold_expired, 410, "HOLD_EXPIRED", "hold-expired", "The hold is over"},
    {Refusal::order_expired, 410, "ORDER_EXPIRED", "order-expired",
     "The order's time to pay is over"},
    {Refusal::pass_expired, 410, "PASS_EXPIRED", "pass-expired", "The entry pass is over"},
    {Refusal::ghosted, 410, "GHOSTED", "ghosted",
     "The place in the waiting room was given up after silence"},
    {Refusal::sale_ended, 410, "SALE_ENDED", "sale-ended", "The sale has ended"},
    {Refusal::auction_closed, 410, "AUCTION_CLOSED", "auction-closed", "The auction is closed"},
    {Refusal::offer_over, 410, "OFFER_OVER", "offer-over", "The offer of this slot is over"},
    {Refusal::validation_failed, 422, "VALIDATION_FAILED", "validation-failed",
     "The request can never succeed as sent"},
    {Refusal::seat_sold, 422, "SEAT_SOLD", "seat-sold", "Seat is sold"},
    {Refusal::seat_unknown, 422, "SEAT_UNKNOWN", "seat-unknown", "There is no such seat"},
    {Refusal::seat_locked, 422, "SEAT_LOCKED", "seat-locked", "Seat is not for sale"},
    {Refusal::quota_exceeded, 422, "QUOTA_EXCEEDED", "quota-exceeded",
     "Too many seats for one person"},
    {Refusal::bid_limit, 422, "BID_LIMIT", "bid-limit", "All bids of this person are used"},
    {Refusal::amount_mismatch, 422, "AMOUNT_MISMATCH", "amount-mismatch",
     "The amount is not the order's"},
    {Refusal::idempotency_key_reused, 422, "IDEMPOTENCY_KEY_REUSED", "idempotency-key-reused",
     "The Idempotency-Key was used with another body"},
    {Refusal::sale_not_open, 425, "SALE_NOT_OPEN", "sale-not-open", "The sale is not open yet"},
    {Refusal::auction_not_open, 425, "AUCTION_NOT_OPEN", "auction-not-open",
     "The auction is not open yet"},
    {Refusal::auction_running, 425, "AUCTION_RUNNING", "auction-running",
     "The auction is not decided yet"},
    {Refusal::window_closed, 425, "WINDOW_CLOSED", "window-closed",
     "The practice room is not open now"},
    {Refusal::rate_limited, 429, "RATE_LIMITED", "rate-limited", "Too many requests"},
    {Refusal::queue_full, 429, "QUEUE_FULL", "queue-full", "The waiting room is full"},
    {Refusal::internal, 500, "INTERNAL", "internal", "Something went wrong here"},
    {Refusal::overloaded, 503, "OVERLOADED", "overloaded", "Too many requests in flight"},
    {Refusal::dependency_down, 503, "DEPENDENCY_DOWN", "dependency-down",
     "A store is not reachable"},
    {Refusal::rebuilding, 503, "REBUILDING", "rebuilding", "The seat state is being rebuilt"},
    {Refusal::pg_timeout, 504, "PG_TIMEOUT", "pg-timeout",
     "The payment provider did not answer; read the order again"},
    {Refusal::commit_unknown, 504, "COMMIT_UNKNOWN", "commit-unknown",
     "The outcome is unknown; repeat with the same key"},
    {Refusal::login_taken, 409, "LOGIN_TAKEN", "login-taken", "That login has an owner"},
    {Refusal::bad_credentials, 401, "BAD_CREDENTIALS", "bad-credentials",
     "The login or the password is wrong"},
});
const RefusalRow& row_of(Refusal refusal) noexcept;

// A no with what the caller may need to know.
struct No {
  Refusal refusal{};
  std::string detail;               // "seat 6 is held"; no internals
  std::int64_t retry_after_ms = 0;  // 0: not told
  std::int64_t seat = -1;           // of a seat conflict; -1: none
  std::string_view seat_state;      // HELD SOLD LOCKED
  std::string opens_at;             // of a 425
  std::int64_t floor = 0;           // of a bid that is too low; 0: not told
};
[[noreturn]] void throw_no(const No& no);
[[noreturn]] inline void throw_exception_from_error(const No& no, const boost::source_location&) {
  throw_no(no);
}

// A legitimate no is a value; only broken infrastructure throws.
template <class T>
using Decision = boost::system::result<T, No>;

}  // namespace boxoffice
