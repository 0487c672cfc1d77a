// One connection to MySQL: Connector/C's pairs of start and continue calls turned into awaits.
// Private to the driver; the pool hands it out as a MysqlConnection.
#pragma once

#include <mysql.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "target/store/mysql.hpp"

namespace boxoffice {

struct PreparedStatement;

class MysqlSession final : public MysqlConnection {
 public:
  explicit MysqlSession(asio::io_context& context);
  ~MysqlSession() override;
  MysqlSession(MysqlSession&&) = delete;

  // Throws StoreUnavailable. `config` must outlive the await.
  Task<void> connect(const Config& config, bool with_database);
  // From now on everything ends by `deadline`: a statement still running is cut off.
  void bound(TimePoint deadline);
  void unbound();
  [[nodiscard]] bool usable() const noexcept;  // nothing is half done
  [[nodiscard]] bool in_transaction() const noexcept { return in_transaction_; }
  // The next transaction has begun with the end of the last, and nothing was done in it yet: it has
  // no view and no lock, and begin() costs no round trip.
  [[nodiscard]] bool chained() const noexcept { return chained_; }
  [[nodiscard]] bool peer_closed() const noexcept;  // asked of the kernel, no round trip
  Task<bool> answers_ping();
  [[nodiscard]] TimePoint idle_since() const noexcept { return idle_since_; }

  Task<SqlResult<Rows>> execute(std::string_view sql, std::vector<Cell> parameters) override;
  Task<SqlResult<Rows>> query(std::string sql) override;
  Task<void> begin() override;
  Task<void> commit() override;
  Task<void> rollback() override;

 private:
  using Resume = int (*)(MysqlSession&, int ready);
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
  struct Link;  // what the deadline's handler may still refer to when the session is gone

  Task<void> finish(int wanted, Resume resume);
  int stepped(int wanted);
  Task<void> set_up();
  Task<void> leave_chain();
  Task<unsigned> send(std::string text);  // the server's error number, 0: fine
  Task<PreparedStatement*> prepared(std::string_view sql);
  Task<Rows> read_prepared(PreparedStatement* statement);
  void abandon() noexcept;
  void require_time();
  void expire() noexcept;
  [[nodiscard]] SqlError refusal(unsigned number, const char* message);
  void close() noexcept;

  asio::io_context& context_;
  MYSQL* mysql_ = nullptr;
  Descriptor socket_;
  Timer timer_;
  std::shared_ptr<Link> link_;
  std::uint64_t generation_ = 0;  // of the deadline
  bool expired_ = false;
  bool broken_ = false;
  bool connected_ = false;
  bool in_transaction_ = false, chained_ = false;
  TimePoint idle_since_ = Clock::now();
  std::map<std::string, std::unique_ptr<PreparedStatement>, std::less<>> statements_;

  // What the library's suspended call refers to lives here and not in a coroutine's frame, which
  // may be destroyed earlier. `resume_` is set while a call is suspended.
  Resume resume_ = nullptr;
  MYSQL_STMT* current_ = nullptr;
  MYSQL_RES* result_ = nullptr;
  MYSQL* connect_result_ = nullptr;
  int status_ = 0;
  std::string text_;
  std::vector<Cell> parameters_;
};

}  // namespace boxoffice
