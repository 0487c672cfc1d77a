// Stored passwords.
#include "target/service/password.hpp"

#include <gtest/gtest.h>

#include "target/service/accounts.hpp"

namespace boxoffice {
namespace {

TEST(Password, OnlyTheSamePasswordVerifies) {
  const std::string stored = hash_password("correct horse", password_cost_min);
  EXPECT_TRUE(verify_password("correct horse", stored));
  EXPECT_FALSE(verify_password("correct horsf", stored));
  EXPECT_FALSE(verify_password("", stored));
  EXPECT_FALSE(verify_password("correct horse ", stored));
}

TEST(Password, TheSamePasswordIsStoredDifferentlyAndFitsItsColumn) {
  const std::string one = hash_password("x", password_cost_min);
  EXPECT_NE(one, hash_password("x", password_cost_min));
  EXPECT_LE(hash_password("x", password_cost_min).size(), 128U);
}

TEST(Password, WhatIsNoHashMatchesNothing) {
  const std::string good = hash_password("x", password_cost_min);
  for (const std::string& bad :
       {std::string("!"), std::string(), std::string("$scrypt$"), std::string("$2b$10$abc"),
        good.substr(0, good.size() - 1), good + "A", "$scrypt$ln=40" + good.substr(13),
        std::string("$scrypt$ln=10,r=8,p=1$$")}) {
    EXPECT_FALSE(is_password_hash(bad)) << bad;
    EXPECT_FALSE(verify_password("x", bad)) << bad;
  }
  EXPECT_TRUE(is_password_hash(good));
  EXPECT_TRUE(is_password_hash(decoy_hash(password_cost_min)));
}

TEST(Password, AnOldCostStillVerifies) {
  const std::string old = hash_password("x", password_cost_min);
  EXPECT_TRUE(verify_password("x", old));
  EXPECT_TRUE(verify_password("x", hash_password("x", password_cost_min + 1)));
}

TEST(AccountRules, LoginsNamesAddressesAndDates) {
  EXPECT_FALSE(login_problem("ann.b+c@d-e_f"));
  for (const char* bad : {"", "ab", "a b", "a\nb", "ann'"}) EXPECT_TRUE(login_problem(bad)) << bad;
  EXPECT_TRUE(login_problem(std::string(65, 'a')));
  EXPECT_FALSE(password_problem("12345678"));
  EXPECT_TRUE(password_problem("1234567"));
  EXPECT_TRUE(password_problem(std::string("12345678\0", 9)));
  EXPECT_TRUE(password_problem(std::string(129, 'x')));
  EXPECT_FALSE(nickname_problem("\xEB\xB3\x84\xEB\x8B\x98"));
  EXPECT_FALSE(nickname_problem("12345678901234567890"));
  for (const char* bad : {"", "  ", "123456789012345678901", "a\tb"})
    EXPECT_TRUE(nickname_problem(bad)) << bad;
  EXPECT_FALSE(email_problem("a@b"));
  for (const char* bad : {"", "@", "a@", "@b", "a@b@c", "a b@c"})
    EXPECT_TRUE(email_problem(bad)) << bad;
  EXPECT_FALSE(birth_date_problem("2000-02-29"));
  for (const char* bad : {"", "2001-02-29", "1899-12-31", "2999-01-01", "2001-13-01", "01-01-2001",
                          "2001-1-011", "2001-01-0x"})
    EXPECT_TRUE(birth_date_problem(bad)) << bad;
}

}  // namespace
}  // namespace boxoffice
