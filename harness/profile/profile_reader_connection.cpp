#include "harness/profile/profile_reader_connection.hpp"

#include <algorithm>
#include <array>

namespace stampede {

namespace {

template <class Choice, std::size_t Count>
using Choices = std::array<std::pair<std::string_view, Choice>, Count>;

// One of a few words.
template <class Choice, std::size_t Count>
void choice(const YamlNode* node, Problems& problems, const Values& values, Choice& into,
            std::string_view what, const Choices<Choice, Count>& choices) {
  if (node == nullptr) return;
  std::string word;
  values.text(node, word);
  if (node->kind != YamlNode::Kind::scalar) return;
  std::string all;
  for (const auto& [name, value] : choices) {
    if (word == name) {
      into = value;
      return;
    }
    all += (all.empty() ? "" : " or ") + std::string(name);
  }
  problems.report(*node, "unknown " + std::string(what) + " \"" + word + "\"", all);
}

void read_sources(const YamlNode* node, Problems& problems, std::vector<AddressRange>& into) {
  if (node == nullptr) return;
  std::uint64_t count = 0;
  const auto take = [&](const YamlNode& item) {
    if (item.kind != YamlNode::Kind::scalar) {
      problems.report(item, "a source address is a text", "127.0.0.2-127.0.0.20");
      return;
    }
    const auto range = parse_address_range(item.text);
    if (range.has_error()) {
      problems.report(item, range.error().message, range.error().hint);
      return;
    }
    const bool fitted = count <= source_addresses_max;
    count += range->count;
    if (count > source_addresses_max && fitted) {
      problems.report(item, "more than " + std::to_string(source_addresses_max) + " addresses");
    }
    into.push_back(*range);
  };
  if (node->kind == YamlNode::Kind::scalar) return take(*node);
  const Values values(problems);
  for (const YamlNodePtr& item : values.list(node, "a list of addresses")) take(*item);
}

// A value that goes into a line of a request.
void header_text(const YamlNode* node, Problems& problems, const Values& values,
                 std::string& into) {
  values.text(node, into);
  const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; };
  if (node != nullptr && std::ranges::any_of(into, odd)) {
    problems.report(*node, "a host has no blanks or control characters");
    into.clear();
  }
}

}  // namespace

void read_connection(const YamlNode* node, Problems& problems, ConnectionSpec& into) {
  if (node == nullptr) return;
  const Values values(problems);
  const Fields fields(
      problems, node, "connection",
      {"host", "connect_timeout", "dns", "source_addresses", "policy", "max_requests", "max_age"});
  header_text(fields.find("host"), problems, values, into.host);
  values.duration(fields.find("connect_timeout"), into.connect_timeout,
                  std::chrono::milliseconds{1});
  choice(fields.find("dns"), problems, values, into.dns, "dns policy",
         Choices<DnsPolicy, 2>{{{"start", DnsPolicy::start}, {"connect", DnsPolicy::connect}}});
  read_sources(fields.find("source_addresses"), problems, into.sources);
  bool reuse = true;
  const YamlNode* const policy = fields.find("policy");
  choice(policy, problems, values, reuse, "connection policy",
         Choices<bool, 2>{{{"reuse", true}, {"new", false}}});
  // A policy begins anew, whatever was said of the connections that the profile's asked for.
  if (policy != nullptr) {
    into.max_requests = 0;
    into.max_age = Nanos{0};
  }
  values.whole(fields.find("max_requests"), into.max_requests, 1);
  values.duration(fields.find("max_age"), into.max_age, std::chrono::milliseconds{1});
  if (reuse) return;
  for (const char* key : {"max_requests", "max_age"}) {
    if (const YamlNode* const other = fields.find(key)) {
      problems.report(*other, std::string(key) + " has no meaning with policy: new",
                      "policy: reuse");
    }
  }
  into.max_requests = 1;
}

void read_tls(const YamlNode* node, Problems& problems, TlsSpec& into) {
  if (node == nullptr) return;
  const Values values(problems);
  const Fields fields(problems, node, "tls",
                      {"ca_file", "certificate", "key", "server_name", "alpn", "min_version",
                       "max_version", "resumption", "insecure"});
  values.text(fields.find("ca_file"), into.ca_file);
  values.text(fields.find("certificate"), into.certificate_file);
  values.text(fields.find("key"), into.key_file);
  header_text(fields.find("server_name"), problems, values, into.server_name);
  values.flag(fields.find("insecure"), into.insecure);
  choice(fields.find("alpn"), problems, values, into.alpn, "protocol",
         Choices<bool, 2>{{{"http/1.1", true}, {"none", false}}});
  const Choices<TlsVersion, 2> versions{
      {{"1.2", TlsVersion::tls_1_2}, {"1.3", TlsVersion::tls_1_3}}};
  const YamlNode* const min = fields.find("min_version");
  choice(min, problems, values, into.min_version, "TLS version", versions);
  const YamlNode* const max = fields.find("max_version");
  choice(max, problems, values, into.max_version, "TLS version", versions);
  choice(fields.find("resumption"), problems, values, into.resumption, "resumption",
         Choices<TlsResumption, 3>{{{"user", TlsResumption::user},
                                    {"worker", TlsResumption::worker},
                                    {"none", TlsResumption::none}}});
  if (into.min_version > into.max_version && (max != nullptr || min != nullptr)) {
    problems.report(max != nullptr ? *max : *min, "max_version is below min_version");
  }
  // Together, or not at all: those of a profile and a scenario would not belong to each other.
  const YamlNode* const certificate = fields.find("certificate");
  const YamlNode* const key = fields.find("key");
  if (certificate != nullptr && key == nullptr) {
    problems.report(*certificate, "a certificate without its key", "key: client.key");
  } else if (key != nullptr && certificate == nullptr) {
    problems.report(*key, "a key without its certificate", "certificate: client.pem");
  }
}

void read_own_connection(const Fields& fields, Problems& problems, const Profile& profile,
                         ScenarioSpec& scenario) {
  if (const YamlNode* const connection = fields.find("connection")) {
    read_connection(connection, problems, scenario.connection.emplace(profile.connection));
  }
  if (const YamlNode* const tls = fields.find("tls")) {
    read_tls(tls, problems, scenario.tls.emplace(profile.tls));
  }
}

}  // namespace stampede
