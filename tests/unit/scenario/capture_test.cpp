// Captures: values of an answer, and the choice of cells against a naive oracle.
#include "harness/scenario/capture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace stampede {
namespace {

const std::vector<std::string> slots{"a", "b", "c"};

const HeaderLookup no_headers = [](std::string_view) { return std::optional<std::string_view>(); };

CompiledCapture json_capture(std::string pointer, std::uint32_t slot, bool optional = false) {
  CompiledCapture capture{};
  capture.from = CaptureSpec::From::json;
  capture.pointer = std::move(pointer);
  capture.slot = slot;
  capture.optional = optional;
  return capture;
}

CompiledCapture cells_capture(std::string count, std::string total = {}) {
  CompiledCapture capture = json_capture("/bits", 0);
  capture.from = CaptureSpec::From::cells;
  capture.cell_total = std::move(total);
  capture.cell_count = *Expression::parse(count, slots);
  return capture;
}

struct Session {
  Variables variables{3};
  ExpressionEngine engine{slots};
  Random random{5, 5};

  std::optional<std::string> apply(const std::vector<CompiledCapture>& captures,
                                   std::string_view body,
                                   const HeaderLookup& headers = no_headers) {
    return apply_captures(captures, body, headers, variables, engine, random);
  }
};

// Packs cells as Redis BITFIELD does (u<bits> #i), byte by byte, and encodes them.
std::string packed(const std::vector<unsigned>& cells, unsigned bits) {
  std::vector<unsigned> bytes((cells.size() * bits + 7) / 8, 0);
  for (std::size_t at = 0; at < cells.size(); ++at) {
    for (unsigned bit = 0; bit < bits; ++bit) {
      const std::size_t position = at * bits + bit;
      const unsigned value = (cells[at] >> (bits - 1 - bit)) & 1U;
      bytes[position / 8] |= value << (7 - position % 8);
    }
  }
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - at);
    unsigned group = bytes[at] << 16U;
    if (left > 1) group |= bytes[at + 1] << 8U;
    if (left > 2) group |= bytes[at + 2];
    for (unsigned part = 0; part < 4; ++part) {
      text += part <= left ? digits[(group >> (18 - 6 * part)) & 63U] : '=';
    }
  }
  return text;
}

std::vector<std::size_t> picked(const std::string& base64, unsigned bits, unsigned value,
                                std::size_t cells_max, std::size_t count, Random& random) {
  const auto text = pick_cells(base64, bits, value, cells_max, count, random);
  EXPECT_TRUE(text.has_value());
  return nlohmann::json::parse(text.value_or("[]")).get<std::vector<std::size_t>>();
}

TEST(Capture, ScalarsKeepTheirTypesAndTheRestIsJson) {
  Session session;
  const std::string body =
      R"({"n":7,"f":2.5,"t":true,"s":"x\"y","z":null,"big":18446744073709551615,"l":[1, {"k":2}]})";
  const auto value = [&](const char* pointer) {
    EXPECT_EQ(session.apply({json_capture(pointer, 1)}, body), std::nullopt) << pointer;
    return session.variables.get(1);
  };
  EXPECT_EQ(value("/n"), Value{std::int64_t{7}});
  EXPECT_EQ(value("/f"), Value{2.5});
  EXPECT_EQ(value("/t"), Value{true});
  EXPECT_EQ(value("/s"), Value{std::string("x\"y")});
  EXPECT_EQ(value("/z"), Value{});
  EXPECT_EQ(value("/big"), Value{std::string("18446744073709551615")});
  EXPECT_EQ(value("/l"), Value{std::string(R"([1,{"k":2}])")});
  EXPECT_EQ(value("/l/1/k"), Value{std::int64_t{2}});
}

TEST(Capture, PointersAreUnescaped) {
  Session session;
  EXPECT_EQ(session.apply({json_capture("/a~1b/~01", 0)}, R"({"a/b":{"~1":5}})"), std::nullopt);
  EXPECT_EQ(session.variables.get(0), Value{std::int64_t{5}});
}

TEST(Capture, AbsentIsAProblemUnlessOptional) {
  Session session;
  session.variables.set(1, std::int64_t{1});
  EXPECT_EQ(session.apply({json_capture("/x", 1, true)}, R"({"y":1})"), std::nullopt);
  EXPECT_EQ(session.variables.get(1), Value{});
  EXPECT_EQ(session.apply({json_capture("/x", 0), json_capture("/y", 1)}, R"({"y":1})"),
            "the answer has no /x");
  EXPECT_EQ(session.variables.get(1), Value{std::int64_t{1}});
  EXPECT_EQ(session.apply({json_capture("/l/2", 0)}, R"({"l":[1,2]})"), "the answer has no /l/2");
  EXPECT_EQ(session.apply({json_capture("/l/x", 0)}, R"({"l":[1,2]})"), "the answer has no /l/x");
}

TEST(Capture, BadJsonAndDeepJsonAreProblems) {
  Session session;
  EXPECT_EQ(session.apply({json_capture("/x", 0)}, "<html>"), "the answer is not JSON");
  EXPECT_EQ(session.apply({json_capture("/x", 0)}, ""), "the answer is not JSON");
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  EXPECT_EQ(session.apply({json_capture("/x", 0)}, deep), "the answer is nested too deeply");
  const std::string brackets_in_text = "{\"x\":\"" + std::string(100, '[') + "\"}";
  EXPECT_EQ(session.apply({json_capture("/x", 0)}, brackets_in_text), std::nullopt);
}

TEST(Capture, NothingToCaptureLooksAtNothing) {
  Session session;
  EXPECT_EQ(session.apply({}, "<html>"), std::nullopt);
}

TEST(Capture, Headers) {
  Session session;
  CompiledCapture capture = json_capture("Location", 2);
  capture.from = CaptureSpec::From::header;
  const HeaderLookup headers = [](std::string_view name) {
    return name == "Location" ? std::optional<std::string_view>("/orders/7") : std::nullopt;
  };
  EXPECT_EQ(session.apply({capture}, "not JSON", headers), std::nullopt);
  EXPECT_EQ(session.variables.get(2), Value{std::string("/orders/7")});
  EXPECT_EQ(session.apply({capture}, "", no_headers), "the answer has no Location");
}

TEST(Capture, CellsCountIsAnExpression) {
  Session session;
  session.variables.set(1, std::int64_t{2});
  const std::string body = R"({"n":3,"bits":")" + packed({1, 0, 0, 0}, 2) + "\"}";
  EXPECT_EQ(session.apply({cells_capture("b + 5")}, body), std::nullopt);
  EXPECT_EQ(session.variables.get(0), Value{std::string("[1,2,3]")});
  EXPECT_EQ(session.apply({cells_capture("b + 5", "/n")}, body), std::nullopt);
  EXPECT_EQ(session.variables.get(0), Value{std::string("[1,2]")});
  EXPECT_EQ(session.apply({cells_capture("'x'")}, body), "count is not a number from 0 to 1000");
  EXPECT_EQ(session.apply({cells_capture("-1")}, body), "count is not a number from 0 to 1000");
  EXPECT_EQ(session.apply({cells_capture("c + 1")}, body),
            "count: attempt to perform arithmetic on a nil value (global 'c')");
  EXPECT_EQ(session.apply({cells_capture("1")}, R"({"bits":"!!"})"), "/bits is not base64");
  EXPECT_EQ(session.apply({cells_capture("1")}, R"({"bits":5})"), "/bits is not a text");
}

TEST(Cells, FirstCellIsInTheHighestBits) {
  Random random(1, 1);
  // 0b00'01'10'11
  EXPECT_EQ(picked("Gw==", 2, 0, 99, 9, random), (std::vector<std::size_t>{0}));
  EXPECT_EQ(picked("Gw==", 2, 1, 99, 9, random), (std::vector<std::size_t>{1}));
  EXPECT_EQ(picked("Gw==", 2, 3, 99, 9, random), (std::vector<std::size_t>{3}));
}

TEST(Cells, AgreeWithANaiveSearch) {
  Random random(11, 1);
  for (int round = 0; round < 300; ++round) {
    const unsigned bits = 1U << random.below(4);
    const unsigned values = std::min(4U, 1U << bits);
    std::vector<unsigned> cells(random.below(70));
    for (unsigned& cell : cells) cell = static_cast<unsigned>(random.below(values));
    const unsigned wanted = static_cast<unsigned>(random.below(values));
    std::set<std::size_t> all;
    for (std::size_t at = 0; at < cells.size(); ++at) {
      if (cells[at] == wanted) all.insert(at);
    }
    const std::string base64 = packed(cells, bits);
    const std::size_t count = random.below(8);
    const auto some = picked(base64, bits, wanted, cells.size(), count, random);
    EXPECT_EQ(some.size(), std::min(count, all.size()));
    EXPECT_TRUE(std::ranges::is_sorted(some));
    EXPECT_EQ(std::set(some.begin(), some.end()).size(), some.size());
    for (const std::size_t index : some) EXPECT_TRUE(all.contains(index)) << index;
    const auto every = picked(base64, bits, wanted, cells.size(), 100, random);
    EXPECT_EQ(std::set(every.begin(), every.end()), all);
  }
}

TEST(Cells, EveryPairIsEquallyLikely) {
  Random random(12, 1);
  const std::string base64 = packed({0, 1, 0, 0, 2, 0}, 2);  // free: 0 2 3 5
  std::map<std::vector<std::size_t>, int> pairs;
  for (int at = 0; at < 12'000; ++at) ++pairs[picked(base64, 2, 0, 6, 2, random)];
  EXPECT_EQ(pairs.size(), 6U);
  for (const auto& [pair, count] : pairs) EXPECT_NEAR(count, 2000, 200);
}

TEST(Cells, TwentyThousandCellsTakeMicroseconds) {
  std::vector<unsigned> cells(20'000, 1);
  for (std::size_t at = 0; at < cells.size(); at += 3) cells[at] = 0;
  const std::string base64 = packed(cells, 2);
  Random random(13, 1);
  constexpr int rounds = 200;
  const auto start = std::chrono::steady_clock::now();
  std::size_t size = 0;
  for (int at = 0; at < rounds; ++at) size += pick_cells(base64, 2, 0, 20'000, 2, random)->size();
  const auto each = (std::chrono::steady_clock::now() - start) / rounds;
  EXPECT_GT(size, 0U);
  // Some 100 µs without optimisation, 15 µs with; a list of candidates would not hold this.
  EXPECT_LT(each, std::chrono::milliseconds{3});
}

}  // namespace
}  // namespace stampede
