// A certification authority of the test's own: keys and certificates are made when the test runs
// and removed with it.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>

namespace test {

struct IssuedFiles {
  std::string certificate, key;  // PEM files
};

class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;

  [[nodiscard]] std::string ca_file() const { return (folder_ / "ca.pem").string(); }
  // `names` as OpenSSL writes them: "DNS:shop.example,IP:127.0.0.1". Days count from now.
  IssuedFiles issue(const std::string& names, int from_day = -1, int to_day = 2);
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  Certificate make(EVP_PKEY* key, const std::string& common_name, const std::string& names,
                   int from_day, int to_day);
  void write(const std::string& file, X509* certificate, EVP_PKEY* key) const;

  std::filesystem::path folder_;
  Key key_;
  Certificate ca_;
  int issued_ = 0;
};

}  // namespace test
