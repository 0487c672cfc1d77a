// Whose address a request has behind proxies: what a trusted proxy adds is believed, and nothing
// that anybody else says.
#include "target/http/client_address.hpp"

#include <gtest/gtest.h>

namespace boxoffice {
namespace {

const std::set<std::string> trusted{"10.0.0.1", "10.0.0.2", "2001:db8::1"};

std::string client_of(std::string_view peer, const std::vector<std::string>& forwarded) {
  HttpRequest request;
  request.headers.emplace_back("Host", "x");
  for (const std::string& value : forwarded) request.headers.emplace_back("x-forwarded-FOR", value);
  return client_address(request, peer, trusted);
}

TEST(ClientAddress, WithoutAProxyItIsThePeers) {
  EXPECT_EQ(client_of("192.0.2.9", {}), "192.0.2.9");
  EXPECT_EQ(client_of("10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(client_of("", {"192.0.2.9"}), "");
}

TEST(ClientAddress, WhatAnUntrustedPeerSaysIsNothing) {
  EXPECT_EQ(client_of("192.0.2.9", {"198.51.100.7"}), "192.0.2.9");
  EXPECT_EQ(client_of("10.0.0.3", {"198.51.100.7, 10.0.0.1"}), "10.0.0.3");
}

TEST(ClientAddress, OfATrustedProxyTheRightMostUntrustedCounts) {
  EXPECT_EQ(client_of("10.0.0.1", {"198.51.100.7"}), "198.51.100.7");
  EXPECT_EQ(client_of("10.0.0.1", {"203.0.113.5, 198.51.100.7"}), "198.51.100.7")
      << "what stands before is the client's own word";
  EXPECT_EQ(client_of("10.0.0.1", {"203.0.113.5,198.51.100.7 ,\t10.0.0.2"}), "198.51.100.7");
  EXPECT_EQ(client_of("2001:db8::1", {"2001:DB8:0:0::7"}), "2001:db8::7") << "one spelling";
  EXPECT_EQ(client_of("10.0.0.1", {"10.0.0.2, 10.0.0.1"}), "10.0.0.2") << "all are trusted";
}

TEST(ClientAddress, SeveralFieldsAreOneList) {
  EXPECT_EQ(client_of("10.0.0.1", {"203.0.113.5", "198.51.100.7, 10.0.0.2"}), "198.51.100.7");
  EXPECT_EQ(client_of("10.0.0.1", {"203.0.113.5", "10.0.0.2"}), "203.0.113.5");
}

TEST(ClientAddress, AddressesOfBothFamiliesAreTheSameOnes) {
  EXPECT_EQ(client_of("::ffff:10.0.0.1", {"198.51.100.7"}), "198.51.100.7");
  EXPECT_EQ(client_of("10.0.0.1", {"::ffff:198.51.100.7"}), "198.51.100.7");
}

// The reading ends at garbage: what stands before it came from nobody knows where.
TEST(ClientAddress, GarbageIsNoAddressAndHidesWhatIsBeforeIt) {
  for (const char* garbage :
       {"unknown", "", " ", "198.51.100.7:443", "198.51.100", "198.51.100.256", "0x7f.1",
        "[2001:db8::7]", "fe80::1%eth0", "198.51.100.7\x01", "1.2.3.4, "}) {
    EXPECT_EQ(client_of("10.0.0.1", {garbage}), "10.0.0.1") << garbage;
    EXPECT_EQ(client_of("10.0.0.1", {"203.0.113.5, " + std::string(garbage)}), "10.0.0.1")
        << garbage;
    EXPECT_EQ(client_of("10.0.0.1", {std::string(garbage) + ", 10.0.0.2"}), "10.0.0.2") << garbage;
  }
  EXPECT_EQ(client_of("10.0.0.1", {std::string(6000, '1')}), "10.0.0.1");
}

TEST(ClientAddress, AListWithoutAnEndIsNotReadToItsEnd) {
  std::string list = "203.0.113.5";
  for (std::size_t i = 0; i < proxy_hops_max; ++i) list += ", 10.0.0.2";
  EXPECT_EQ(client_of("10.0.0.1", {list}), "10.0.0.2");
}

}  // namespace
}  // namespace boxoffice
