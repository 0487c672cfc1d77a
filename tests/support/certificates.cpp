#include "tests/support/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace test {

namespace {

constexpr int seconds_per_day = 24 * 3600;

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension == nullptr) throw std::runtime_error("no such extension: " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::filesystem::path make_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "stampede-ca-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  return pattern;
}

}  // namespace

Authority::Authority()
    : folder_(make_folder()), key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), ca_(nullptr, &X509_free) {
  ca_ = make(key_.get(), "test authority", "", -1, 2);
  write("ca.pem", ca_.get(), nullptr);
}

Authority::~Authority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

IssuedFiles Authority::issue(const std::string& names, int from_day, int to_day) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate certificate = make(key.get(), "test", names, from_day, to_day);
  const std::string name = "issued-" + std::to_string(++issued_);
  write(name + ".pem", certificate.get(), nullptr);
  write(name + ".key", nullptr, key.get());
  return {(folder_ / (name + ".pem")).string(), (folder_ / (name + ".key")).string()};
}

Authority::Certificate Authority::make(EVP_PKEY* key, const std::string& common_name,
                                       const std::string& names, int from_day, int to_day) {
  Certificate certificate(X509_new(), &X509_free);
  X509* const raw = certificate.get();
  X509* const issuer = ca_ ? ca_.get() : raw;
  X509_set_version(raw, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), issued_ + 1);
  X509_gmtime_adj(X509_getm_notBefore(raw), static_cast<long>(from_day) * seconds_per_day);
  X509_gmtime_adj(X509_getm_notAfter(raw), static_cast<long>(to_day) * seconds_per_day);
  X509_set_pubkey(raw, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(raw, X509_get_subject_name(issuer));
  add_extension(raw, issuer, NID_basic_constraints, ca_ ? "CA:FALSE" : "critical,CA:TRUE");
  if (!names.empty()) add_extension(raw, issuer, NID_subject_alt_name, names);
  if (X509_sign(raw, key_.get(), EVP_sha256()) == 0) throw std::runtime_error("cannot sign");
  return certificate;
}

void Authority::write(const std::string& file, X509* certificate, EVP_PKEY* key) const {
  std::FILE* const out = std::fopen((folder_ / file).c_str(), "w");
  if (out == nullptr) throw std::runtime_error("cannot write " + file);
  if (certificate != nullptr) PEM_write_X509(out, certificate);
  if (key != nullptr) PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
}

}  // namespace test
