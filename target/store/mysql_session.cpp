#include "target/store/mysql_session.hpp"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysqld_error.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "target/faults.hpp"

namespace boxoffice {

namespace {

constexpr std::size_t statements_max = 256;       // per connection
constexpr std::size_t column_buffer_bytes = 128;  // longer cells are fetched once more
constexpr int unwind_steps_max = 64;
constexpr my_socket no_socket = -1;  // what the library calls a closed one

[[noreturn]] void unavailable(const std::string& reason) {
  throw StoreUnavailable("mysql", reason);
}

enum class CellKind : std::uint8_t { signed_number, unsigned_number, real, text };

CellKind kind_of(const MYSQL_FIELD& field) {
  switch (field.type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_YEAR:
      return (field.flags & UNSIGNED_FLAG) != 0 ? CellKind::unsigned_number
                                                : CellKind::signed_number;
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
      return CellKind::real;
    default:
      return CellKind::text;
  }
}

Cell cell_of_text(CellKind kind, std::string_view text) {
  const char* end = text.data() + text.size();
  if (kind == CellKind::signed_number) {
    std::int64_t number = 0;
    std::from_chars(text.data(), end, number);
    return number;
  }
  if (kind == CellKind::unsigned_number) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), end, number);
    return number;
  }
  if (kind == CellKind::real) {
    double number = 0;
    std::from_chars(text.data(), end, number);
    return number;
  }
  return std::string(text);
}

// Where the library puts one cell of the row being fetched.
struct Column {
  CellKind kind = CellKind::text;
  std::int64_t whole = 0;  // also holds unsigned numbers' bits
  double real = 0;
  std::vector<char> buffer;
  unsigned long length = 0;
  my_bool null = 0;
  my_bool truncated = 0;
};

void bind_parameter(MYSQL_BIND& bind, Cell& cell) {
  bind = {};
  if (auto* whole = std::get_if<std::int64_t>(&cell)) {
    bind.buffer_type = MYSQL_TYPE_LONGLONG;
    bind.buffer = whole;
  } else if (auto* natural = std::get_if<std::uint64_t>(&cell)) {
    bind.buffer_type = MYSQL_TYPE_LONGLONG;
    bind.buffer = natural;
    bind.is_unsigned = 1;
  } else if (auto* real = std::get_if<double>(&cell)) {
    bind.buffer_type = MYSQL_TYPE_DOUBLE;
    bind.buffer = real;
  } else if (auto* text = std::get_if<std::string>(&cell)) {
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = text->data();
    bind.buffer_length = text->size();
  } else {
    bind.buffer_type = MYSQL_TYPE_NULL;
  }
}

void bind_column(MYSQL_BIND& bind, Column& column) {
  bind = {};
  bind.length = &column.length;
  bind.is_null = &column.null;
  bind.error = &column.truncated;
  if (column.kind == CellKind::text) {
    column.buffer.resize(std::max(column.buffer.size(), column_buffer_bytes));
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = column.buffer.data();
    bind.buffer_length = column.buffer.size();
  } else if (column.kind == CellKind::real) {
    bind.buffer_type = MYSQL_TYPE_DOUBLE;
    bind.buffer = &column.real;
  } else {
    bind.buffer_type = MYSQL_TYPE_LONGLONG;
    bind.buffer = &column.whole;
    bind.is_unsigned = column.kind == CellKind::unsigned_number ? 1 : 0;
  }
}

}  // namespace

struct PreparedStatement {
  MYSQL_STMT* handle = nullptr;
  std::vector<MYSQL_BIND> parameters;
  std::vector<Column> columns;
  std::vector<MYSQL_BIND> results;

  PreparedStatement() = default;
  PreparedStatement(PreparedStatement&&) = delete;
  ~PreparedStatement() {
    if (handle != nullptr) mysql_stmt_close(handle);
  }

  void describe_columns() {
    columns.clear();
    results.clear();
    MYSQL_RES* metadata = mysql_stmt_result_metadata(handle);
    if (metadata == nullptr) return;
    const unsigned count = mysql_num_fields(metadata);
    columns.resize(count);
    results.resize(count);
    for (unsigned i = 0; i < count; ++i)
      columns[i].kind = kind_of(*mysql_fetch_field_direct(metadata, i));
    mysql_free_result(metadata);
    for (unsigned i = 0; i < count; ++i) bind_column(results[i], columns[i]);
  }

  Cell cell(unsigned index) {
    Column& column = columns[index];
    if (column.null != 0) return nullptr;
    switch (column.kind) {
      case CellKind::signed_number:
        return column.whole;
      case CellKind::unsigned_number:
        return static_cast<std::uint64_t>(column.whole);
      case CellKind::real:
        return column.real;
      case CellKind::text:
        break;
    }
    if (column.length <= column.buffer.size())
      return std::string(column.buffer.data(), column.length);
    std::string whole(column.length, '\0');
    MYSQL_BIND bind{};
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = whole.data();
    bind.buffer_length = whole.size();
    if (mysql_stmt_fetch_column(handle, &bind, index, 0) != 0) unavailable("a cell was cut");
    return whole;
  }
};

struct MysqlSession::Link {
  MysqlSession* session;
};

MysqlSession::MysqlSession(asio::io_context& context)
    : context_(context),
      socket_(context),
      timer_(context),
      link_(std::make_shared<Link>(Link{this})) {}

MysqlSession::~MysqlSession() {
  link_->session = nullptr;
  close();
}

void MysqlSession::close() noexcept {
  if (mysql_ == nullptr) return;
  if (!usable() || expired_) abandon();
  // Asio must forget the descriptor before the library closes it.
  if (socket_.is_open()) socket_.release();
  mysql_close(mysql_);  // detaches the statements, so that closing them below sends nothing
  mysql_ = nullptr;
  statements_.clear();
}

bool MysqlSession::usable() const noexcept { return connected_ && !broken_ && resume_ == nullptr; }

bool MysqlSession::peer_closed() const noexcept {
  char byte = 0;
  const auto got = ::recv(mysql_get_socket(mysql_), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  // Between statements the server has nothing to say but good-bye.
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void MysqlSession::bound(TimePoint deadline) {
  const std::uint64_t generation = ++generation_;
  expired_ = false;
  timer_.expires_at(deadline);
  timer_.async_wait([link = link_, generation](boost::system::error_code error) {
    MysqlSession* session = link->session;
    if (!error && session != nullptr && session->generation_ == generation) session->expire();
  });
}

void MysqlSession::unbound() {
  ++generation_;
  timer_.cancel();
  idle_since_ = Clock::now();
}

void MysqlSession::expire() noexcept {
  expired_ = true;
  boost::system::error_code ignored;
  if (socket_.is_open()) socket_.cancel(ignored);
}

// The socket is shut first: the server then ends what it is doing, and every further step of the
// suspended call fails, so that its stack unwinds and frees what it holds.
void MysqlSession::abandon() noexcept {
  broken_ = true;
  const my_socket fd = mysql_get_socket(mysql_);
  if (fd != no_socket) ::shutdown(fd, SHUT_RDWR);
  for (int i = 0; resume_ != nullptr && i < unwind_steps_max; ++i)
    if (stepped(resume_(*this, MYSQL_WAIT_TIMEOUT)) == 0) resume_ = nullptr;
  resume_ = nullptr;
  if (result_ != nullptr) mysql_free_result(result_);
  result_ = nullptr;
}

// Subtle: on an error the library closes the socket by itself. Asio has to forget it before this
// thread does anything else: a later release() would take a newer socket with the same number out
// of the reactor.
int MysqlSession::stepped(int wanted) {
  if (socket_.is_open() && mysql_get_socket(mysql_) == no_socket) socket_.release();
  return wanted;
}

void MysqlSession::require_time() {
  if (broken_) unavailable("the connection is broken");
  if (!expired_) return;
  abandon();
  unavailable("deadline");
}

Task<void> MysqlSession::finish(int wanted, Resume resume) {
  resume_ = resume;
  const bool connecting = !connected_;
  while (wanted != 0) {
    boost::system::error_code error;
    if (!expired_) {
      // While connecting the library may close one socket and open another of the same number.
      if (connecting) socket_.assign(mysql_get_socket(mysql_));
      const auto what =
          (wanted & MYSQL_WAIT_READ) != 0 ? Descriptor::wait_read : Descriptor::wait_write;
      co_await socket_.async_wait(what, asio::redirect_error(use_task, error));
      if (connecting) socket_.release();
    }
    if (expired_ || error) {
      abandon();
      unavailable(expired_ ? "deadline" : "cancelled");
    }
    wanted = stepped(resume(*this, wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE)));
  }
  resume_ = nullptr;
}

namespace {

// Name resolution inside the library would block the thread.
Task<std::string> numeric_host(asio::io_context& context, std::string host) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) co_return address.to_string();
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(context);
  const auto found =
      co_await resolver.async_resolve(host, "", asio::redirect_error(use_task, error));
  if (error || found.empty()) unavailable("unknown host " + host);
  for (const auto& entry : found)
    if (entry.endpoint().address().is_v4()) co_return entry.endpoint().address().to_string();
  co_return found.begin()->endpoint().address().to_string();
}

}  // namespace

Task<void> MysqlSession::connect(const Config& config, bool with_database) {
  // A host that is a path is a Unix socket on this machine: no TCP on the way of a statement.
  const bool local = config.mysql_host.starts_with('/');
  text_ = local ? config.mysql_host : std::string{};
  if (!local) text_ = co_await numeric_host(context_, config.mysql_host);
  mysql_ = mysql_init(nullptr);
  if (mysql_ == nullptr) throw std::bad_alloc();
  const unsigned protocol = local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  const unsigned no_local_files = 0;
  mysql_optionsv(mysql_, MYSQL_OPT_NONBLOCK, nullptr);
  mysql_optionsv(mysql_, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_optionsv(mysql_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_optionsv(mysql_, MYSQL_OPT_LOCAL_INFILE, &no_local_files);
  const char* database = with_database ? config.mysql_database.c_str() : nullptr;
  const int wanted = stepped(
      mysql_real_connect_start(&connect_result_, mysql_, local ? nullptr : text_.c_str(),
                               config.mysql_user.c_str(), config.mysql_password.c_str(), database,
                               config.mysql_port, local ? text_.c_str() : nullptr, 0));
  if (wanted != 0) {
    co_await finish(wanted, [](MysqlSession& self, int ready) {
      return mysql_real_connect_cont(&self.connect_result_, self.mysql_, ready);
    });
  }
  if (connect_result_ == nullptr) {
    broken_ = true;
    unavailable(fmt::format("{} {}", mysql_errno(mysql_), mysql_error(mysql_)));
  }
  socket_.assign(mysql_get_socket(mysql_));
  connected_ = true;
  co_await set_up();
}

Task<void> MysqlSession::set_up() {
  static constexpr std::string_view statements[] = {
      "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
      "SET SESSION innodb_lock_wait_timeout = 2, time_zone = '+00:00', sql_mode = "
      "'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
      "NO_ENGINE_SUBSTITUTION'"};
  for (const std::string_view statement : statements) {
    if (const unsigned number = co_await send(std::string(statement)); number != 0) {
      broken_ = true;
      unavailable(fmt::format("session set-up: {} {}", number, mysql_error(mysql_)));
    }
  }
}

Task<bool> MysqlSession::answers_ping() {
  require_time();
  const int wanted = stepped(mysql_ping_start(&status_, mysql_));
  if (wanted != 0) {
    co_await finish(wanted, [](MysqlSession& self, int ready) {
      return mysql_ping_cont(&self.status_, self.mysql_, ready);
    });
  }
  co_return status_ == 0;
}

// A refusal the caller can use is a value; anything else means that this connection is not to be
// trusted any more.
SqlError MysqlSession::refusal(unsigned number, const char* message) {
  if (number == ER_READ_ONLY_MODE || number == ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
    number = static_cast<unsigned>(SqlNo::read_only);
  switch (static_cast<SqlNo>(number)) {
    case SqlNo::duplicate:
    case SqlNo::check_failed:
    case SqlNo::check_failed_mariadb:
    case SqlNo::deadlock:
    case SqlNo::lock_timeout:
    case SqlNo::no_parent:
    case SqlNo::read_only:
      return {static_cast<std::uint16_t>(number), message};
  }
  broken_ = true;
  unavailable(fmt::format("{} {}", number, message));
}

Task<unsigned> MysqlSession::send(std::string text) {
  require_time();
  text_ = std::move(text);
  const int wanted = stepped(mysql_real_query_start(&status_, mysql_, text_.data(), text_.size()));
  if (wanted != 0) {
    co_await finish(wanted, [](MysqlSession& self, int ready) {
      return mysql_real_query_cont(&self.status_, self.mysql_, ready);
    });
  }
  co_return status_ == 0 ? 0U : mysql_errno(mysql_);
}

Task<SqlResult<Rows>> MysqlSession::query(std::string sql) {
  co_await leave_chain();
  if (const unsigned number = co_await send(std::move(sql)); number != 0)
    co_return refusal(number, mysql_error(mysql_));
  Rows rows;
  if (mysql_field_count(mysql_) == 0) {
    rows.affected = mysql_affected_rows(mysql_);
    rows.insert_id = mysql_insert_id(mysql_);
    co_return rows;
  }
  const int wanted = stepped(mysql_store_result_start(&result_, mysql_));
  if (wanted != 0) {
    co_await finish(wanted, [](MysqlSession& self, int ready) {
      return mysql_store_result_cont(&self.result_, self.mysql_, ready);
    });
  }
  if (result_ == nullptr) co_return refusal(mysql_errno(mysql_), mysql_error(mysql_));
  const unsigned count = mysql_num_fields(result_);
  const MYSQL_FIELD* fields = mysql_fetch_fields(result_);
  while (MYSQL_ROW row = mysql_fetch_row(result_)) {
    const unsigned long* lengths = mysql_fetch_lengths(result_);
    std::vector<Cell> cells(count);
    for (unsigned i = 0; i < count; ++i)
      if (row[i] != nullptr) cells[i] = cell_of_text(kind_of(fields[i]), {row[i], lengths[i]});
    rows.rows.push_back(std::move(cells));
  }
  mysql_free_result(result_);
  result_ = nullptr;
  co_return rows;
}

Task<PreparedStatement*> MysqlSession::prepared(std::string_view sql) {
  if (const auto known = statements_.find(sql); known != statements_.end())
    co_return known->second.get();
  if (statements_.size() >= statements_max)
    throw std::logic_error("too many different statements on one connection");
  auto& statement = statements_[std::string(sql)];
  statement = std::make_unique<PreparedStatement>();
  statement->handle = current_ = mysql_stmt_init(mysql_);
  if (current_ == nullptr) throw std::bad_alloc();
  PreparedStatement* made = statement.get();
  text_ = sql;
  const int wanted =
      stepped(mysql_stmt_prepare_start(&status_, current_, text_.data(), text_.size()));
  if (wanted != 0) {
    co_await finish(wanted, [](MysqlSession& self, int ready) {
      return mysql_stmt_prepare_cont(&self.status_, self.current_, ready);
    });
  }
  if (status_ != 0) {
    broken_ = true;  // also forgets the half-made statement
    unavailable(
        fmt::format("prepare: {} {}", mysql_stmt_errno(current_), mysql_stmt_error(current_)));
  }
  made->parameters.resize(mysql_stmt_param_count(current_));
  made->describe_columns();
  co_return made;
}

Task<Rows> MysqlSession::read_prepared(PreparedStatement* statement) {
  Rows rows;
  if (mysql_stmt_field_count(current_) == 0) {
    rows.affected = mysql_stmt_affected_rows(current_);
    rows.insert_id = mysql_stmt_insert_id(current_);
    co_return rows;
  }
  // The server may have prepared it again after the table was altered.
  if (mysql_stmt_field_count(current_) != statement->columns.size()) statement->describe_columns();
  mysql_stmt_bind_result(current_, statement->results.data());
  const int wanted = stepped(mysql_stmt_store_result_start(&status_, current_));
  if (wanted != 0) {
    co_await finish(wanted, [](MysqlSession& self, int ready) {
      return mysql_stmt_store_result_cont(&self.status_, self.current_, ready);
    });
  }
  int fetched = status_;
  while (fetched == 0) {
    fetched = mysql_stmt_fetch(current_);
    if (fetched == MYSQL_DATA_TRUNCATED) fetched = 0;
    if (fetched != 0) break;
    std::vector<Cell> cells;
    cells.reserve(statement->columns.size());
    for (unsigned i = 0; i < statement->columns.size(); ++i) cells.push_back(statement->cell(i));
    rows.rows.push_back(std::move(cells));
  }
  if (fetched != MYSQL_NO_DATA) {
    broken_ = true;
    unavailable(
        fmt::format("fetch: {} {}", mysql_stmt_errno(current_), mysql_stmt_error(current_)));
  }
  mysql_stmt_free_result(current_);
  co_return rows;
}

Task<SqlResult<Rows>> MysqlSession::execute(std::string_view sql, std::vector<Cell> parameters) {
  require_time();
  co_await leave_chain();
  PreparedStatement* statement = co_await prepared(sql);
  if (statement->parameters.size() != parameters.size())
    throw std::logic_error(fmt::format("{} parameters given, {} wanted: {}", parameters.size(),
                                       statement->parameters.size(), sql));
  current_ = statement->handle;
  parameters_ = std::move(parameters);
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    bind_parameter(statement->parameters[i], parameters_[i]);
  if (!parameters_.empty()) mysql_stmt_bind_param(current_, statement->parameters.data());
  const int wanted = stepped(mysql_stmt_execute_start(&status_, current_));
  if (wanted != 0) {
    co_await finish(wanted, [](MysqlSession& self, int ready) {
      return mysql_stmt_execute_cont(&self.status_, self.current_, ready);
    });
  }
  if (status_ != 0) co_return refusal(mysql_stmt_errno(current_), mysql_stmt_error(current_));
  co_return co_await read_prepared(statement);
}

Task<void> MysqlSession::begin() {
  if (in_transaction_) throw std::logic_error("a transaction is open already");
  if (!chained_) {
    const auto begun = co_await query("START TRANSACTION");
    if (!begun) throw_sql_error(begun.error());
  }
  chained_ = false;
  in_transaction_ = true;
}

// Outside a transaction every statement is one of its own, which it would not be in the next one.
Task<void> MysqlSession::leave_chain() {
  if (!chained_ || in_transaction_) co_return;
  chained_ = false;
  if (const unsigned number = co_await send("COMMIT"); number != 0)
    (void)refusal(number, mysql_error(mysql_));
}

Task<void> MysqlSession::commit() {
  require_time();  // nothing was sent yet: a plain failure
  unsigned number = 0;
  std::string reason;
  try {
    number = co_await send("COMMIT AND CHAIN");
  } catch (const StoreUnavailable& unknown) {
    reason = unknown.what();
  }
  if (number == 0 && reason.empty() && Faults::strikes(Faults::of_process().commit_unknown))
    reason = "the answer was lost: a fault";
  if (number == 0 && reason.empty()) {
    in_transaction_ = false;
    chained_ = true;
    co_return;
  }
  broken_ = true;
  if (reason.empty()) reason = fmt::format("{} {}", number, mysql_error(mysql_));
  throw CommitUnknown("mysql: COMMIT: " + reason);
}

Task<void> MysqlSession::rollback() {
  if (!in_transaction_) co_return;
  const auto undone = co_await query("ROLLBACK AND CHAIN");
  if (!undone) throw_sql_error(undone.error());
  in_transaction_ = false;
  chained_ = true;
}

}  // namespace boxoffice
