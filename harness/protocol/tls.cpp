#include "harness/protocol/tls.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>

namespace stampede {

namespace {

// A record's size: reading goes on while records are about full, so that a large body does not cost
// a wait for each of them.
constexpr std::size_t record_size = 16 << 10;
constexpr std::size_t large_record = 4 << 10;

std::string first_error() {
  const unsigned long code = ERR_peek_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

// --- the socket below: OpenSSL's own would raise SIGPIPE ----------------------------------------

TlsSource& source_of(BIO* bio) { return *static_cast<TlsSource*>(BIO_get_data(bio)); }

int socket_result(BIO* bio, ssize_t moved, int retry) {
  BIO_clear_retry_flags(bio);
  if (moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  }
  return static_cast<int>(moved);
}

int socket_write(BIO* bio, const char* bytes, int size) {
  const auto moved =
      ::send(source_of(bio).descriptor, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  return socket_result(bio, moved, BIO_FLAGS_WRITE);
}

int socket_read(BIO* bio, char* buffer, int size) {
  TlsSource& source = source_of(bio);
  const auto moved = ::recv(source.descriptor, buffer, static_cast<std::size_t>(size), 0);
  source.drained = moved < 0 ? errno == EAGAIN : moved < size;
  if (moved == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return socket_result(bio, moved, BIO_FLAGS_READ);
}

long socket_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

int socket_made(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_socket_method() {
  BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  if (method == nullptr) throw std::bad_alloc();
  BIO_meth_set_write(method, socket_write);
  BIO_meth_set_read(method, socket_read);
  BIO_meth_set_ctrl(method, socket_control);
  BIO_meth_set_create(method, socket_made);
  return method;
}

BIO* make_socket_bio(TlsSource& source) {
  static BIO_METHOD* const method = make_socket_method();  // lives as long as the process
  BIO* const bio = BIO_new(method);
  if (bio != nullptr) BIO_set_data(bio, &source);
  return bio;
}

// --- setting up ---------------------------------------------------------------------------------

int version_number(TlsVersion version) {
  return version == TlsVersion::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

[[noreturn]] void reject(SSL_CTX* context, const std::string& what, const std::string& mend) {
  const std::string text = fmt::format("{}: {}; {}", what, first_error(), mend);
  ERR_clear_error();
  SSL_CTX_free(context);
  throw std::runtime_error(text);
}

void load_files(SSL_CTX* context, const TlsSpec& spec) {
  if (!spec.ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context, spec.ca_file.c_str()) != 1) {
      reject(context, fmt::format("tls.ca_file {}", spec.ca_file),
             "it must be a readable PEM file with the CA's certificate");
    }
  } else if (!spec.insecure) {
    SSL_CTX_set_default_verify_paths(context);
  }
  if (spec.certificate_file.empty()) return;
  if (SSL_CTX_use_certificate_chain_file(context, spec.certificate_file.c_str()) != 1) {
    reject(context, fmt::format("tls.certificate {}", spec.certificate_file),
           "it must be a readable PEM file: the client's certificate, then its chain");
  }
  if (SSL_CTX_use_PrivateKey_file(context, spec.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    reject(context, fmt::format("tls.key {}", spec.key_file),
           "it must be a readable PEM file with the certificate's key, without a passphrase");
  }
}

// A passphrase would be asked for on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

bool is_ip_address(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

// --- telling what went wrong --------------------------------------------------------------------

Failure failure_of_certificate(long verified) {
  switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Failure::tls_expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Failure::tls_name_mismatch;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    // Signed by a CA of a name that we know, with another key: not the one we trust.
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return Failure::tls_untrusted;
    default:
      return Failure::tls_certificate;
  }
}

Failure failure_of_reason(int reason, bool certificate_asked) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return Failure::tls_client_certificate;
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return certificate_asked ? Failure::tls_client_certificate : Failure::tls_protocol;
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
    case SSL_R_TLSV1_ALERT_NO_RENEGOTIATION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return Failure::tls_protocol;
    default:
      return Failure::tls_handshake;
  }
}

// Called when the server asks for a certificate and there is none; noted for the explanation.
int certificate_asked_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}
int note_certificate_asked(SSL* ssl, X509**, EVP_PKEY**) {
  static int yes = 1;
  SSL_set_ex_data(ssl, certificate_asked_index(), &yes);
  return 0;
}

// The place for the sessions that the server gives out over a connection.
int session_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

void TlsSession::forget() noexcept {
  if (session_ != nullptr) SSL_SESSION_free(session_);
  session_ = nullptr;
}

TlsContext::TlsContext(const TlsSpec& spec, const std::string& host)
    : context_(SSL_CTX_new(TLS_client_method())),
      name_(spec.server_name.empty() ? host : spec.server_name),
      is_address_(is_ip_address(name_)),
      resumption_(spec.resumption) {
  if (context_ == nullptr) throw std::bad_alloc();
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context_, version_number(spec.min_version));
  SSL_CTX_set_max_proto_version(context_, version_number(spec.max_version));
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A record with one call instead of two: its header is not asked for alone.
  SSL_CTX_set_read_ahead(context_, 1);
  // An end without a goodbye is an end: HTTP itself says whether an answer was complete.
  SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_default_passwd_cb(context_, no_passphrase);
  SSL_CTX_set_verify(context_, spec.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_client_cert_cb(context_, note_certificate_asked);
  if (resumption_ != TlsResumption::none) {
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_, [](SSL* ssl, SSL_SESSION* session) {
      auto* const place = static_cast<TlsSession*>(SSL_get_ex_data(ssl, session_index()));
      if (place == nullptr) return 0;
      place->forget();
      place->session_ = session;
      return 1;  // it is ours now
    });
  } else {
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  }
  if (spec.alpn) {
    static constexpr unsigned char offered[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context_, offered, sizeof offered - 1);
  }
  load_files(context_, spec);
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

bool TlsStream::begin(TlsContext& context, int descriptor) {
  end();
  failure_ = Failure::none;
  problem_.clear();
  heard_ = false;
  ssl_ = SSL_new(context.context_);
  source_ = {descriptor, false};
  BIO* const bio = ssl_ == nullptr ? nullptr : make_socket_bio(source_);
  if (bio == nullptr) {
    end();
    return false;
  }
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_connect_state(ssl_);
  if (context.is_address_) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), context.name_.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl_, context.name_.c_str());
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl_, context.name_.c_str());
  }
  if (context.resumption_ == TlsResumption::none) return true;
  TlsSession& place = context.resumption_ == TlsResumption::worker ? context.shared_ : own_;
  SSL_set_ex_data(ssl_, session_index(), &place);
  if (place.session_ != nullptr) SSL_set_session(ssl_, place.session_);
  return true;
}

TlsStream::Progress TlsStream::judge(int result) {
  const int kind = SSL_get_error(ssl_, result);
  if (kind == SSL_ERROR_WANT_READ) return Progress::wants_read;
  if (kind == SSL_ERROR_WANT_WRITE) return Progress::wants_write;
  explain(kind);
  return Progress::failed;
}

// What OpenSSL and the system say, in one class and one line.
void TlsStream::explain(int kind) {
  const int system_error = errno;
  const unsigned long code = ERR_peek_error();
  const long verified = SSL_get_verify_result(ssl_);
  const bool asked = SSL_get_ex_data(ssl_, certificate_asked_index()) != nullptr;
  const bool checked = (SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0;
  if (kind == SSL_ERROR_SSL && !secured_ && checked && verified != X509_V_OK) {
    failure_ = failure_of_certificate(verified);
    problem_ =
        fmt::format("TLS: the server's certificate: {}", X509_verify_cert_error_string(verified));
  } else if (kind == SSL_ERROR_SSL && code != 0) {
    failure_ = failure_of_reason(ERR_GET_REASON(code), asked);
    problem_ = "TLS: " + first_error();
  } else {
    failure_ = secured_ ? Failure::reset : Failure::tls_handshake;
    const bool ended = kind == SSL_ERROR_ZERO_RETURN || system_error == 0;
    problem_ =
        fmt::format("TLS: {}{}", ended ? "closed by the server" : std::strerror(system_error),
                    secured_ ? "" : " during the handshake");
    // Subtle: with TLS 1.3 a client has finished when the server refuses it, and the reset that
    // follows may overtake the alert.
    if (secured_ && asked && !heard_) failure_ = Failure::tls_client_certificate;
  }
  if (failure_ == Failure::tls_client_certificate && asked) {
    problem_ += " (the server asked for a client certificate, and there is none)";
  }
  ERR_clear_error();
}

TlsStream::Progress TlsStream::handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) return judge(result);
  secured_ = true;
  return Progress::done;
}

bool TlsStream::resumed() const noexcept { return SSL_session_reused(ssl_) == 1; }

TlsStream::Progress TlsStream::read(void* buffer, std::size_t size, std::size_t& moved) {
  moved = 0;
  while (true) {
    ERR_clear_error();
    errno = 0;
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_, static_cast<char*>(buffer) + moved, size - moved, &got);
    if (result == 1) {
      moved += got;
      heard_ = true;
      if (got >= large_record && size - moved >= record_size) continue;
      return Progress::done;
    }
    // What stopped it is met again by the next read.
    const bool ended = SSL_get_error(ssl_, result) == SSL_ERROR_ZERO_RETURN;
    const bool asked = SSL_get_ex_data(ssl_, certificate_asked_index()) != nullptr;
    if (moved > 0 || (ended && (heard_ || !asked))) return Progress::done;
    return judge(result);
  }
}

TlsStream::Progress TlsStream::write(const void* bytes, std::size_t size, std::size_t& moved) {
  ERR_clear_error();
  errno = 0;
  moved = 0;
  const int result = SSL_write_ex(ssl_, bytes, size, &moved);
  return result == 1 ? Progress::done : judge(result);
}

bool TlsStream::quiet() {
  // Tickets and the like may have come: these are not for the application.
  char byte = 0;
  ERR_clear_error();
  const int result = SSL_peek(ssl_, &byte, 1);
  const bool nothing = result <= 0 && SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ;
  ERR_clear_error();
  return nothing;
}

bool TlsStream::drained() const noexcept { return source_.drained && SSL_has_pending(ssl_) == 0; }

void TlsStream::end() noexcept {
  if (ssl_ == nullptr) return;
  ERR_clear_error();
  if (secured_ && failure_ == Failure::none) SSL_shutdown(ssl_);
  SSL_free(ssl_);
  ERR_clear_error();
  ssl_ = nullptr;
  secured_ = false;
}

}  // namespace stampede
