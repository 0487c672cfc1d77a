// Feeders: what the readers accept, what they say of broken rows, and who gets which row.
#include "harness/scenario/feeder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "harness/measure/statistics.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {
namespace {

FeederRows csv(std::string_view text, char delimiter = ',') {
  auto rows = read_csv(text, "u.csv", delimiter);
  EXPECT_TRUE(rows.has_value()) << (rows ? "" : render(rows.error(), text));
  return rows ? *rows : nullptr;
}

FeederRows json_lines(std::string_view text) {
  auto rows = read_json_lines(text, "u.jsonl");
  EXPECT_TRUE(rows.has_value()) << (rows ? "" : render(rows.error(), text));
  return rows ? *rows : nullptr;
}

std::string problems(const Checked<FeederRows>& rows) {
  if (rows) return "no problem";
  std::string all;
  for (const Diagnostic& one : rows.error()) {
    all += one.file + ":" + std::to_string(one.place.line) + ":" +
           std::to_string(one.place.column) + " " + one.message +
           (one.hint.empty() ? "" : " | " + one.hint) + "\n";
  }
  return all;
}
std::string csv_problems(std::string_view text) { return problems(read_csv(text, "u.csv", ',')); }
std::string json_problems(std::string_view text) {
  return problems(read_json_lines(text, "u.jsonl"));
}

std::string text_of(const FeederRows& rows, std::uint64_t row, std::size_t column) {
  std::string out;
  append_text(out, rows->value(row, column));
  return out;
}

TEST(Csv, QuotesLineEndsAndByteOrderMark) {
  const auto rows = csv(
      "\xef\xbb\xbfname,note\r\nada,\"a, b\"\r\n\r\nbob,\"say \"\"hi\"\"\"\neve,\"two\r\nlines\"\n"
      "last,");
  ASSERT_EQ(rows->columns(), (std::vector<std::string>{"name", "note"}));
  ASSERT_EQ(rows->rows(), 4U);
  EXPECT_EQ(text_of(rows, 0, 1), "a, b");
  EXPECT_EQ(text_of(rows, 1, 1), "say \"hi\"");
  EXPECT_EQ(text_of(rows, 2, 1), "two\r\nlines");
  EXPECT_EQ(text_of(rows, 3, 0), "last");
  EXPECT_EQ(rows->value(3, 1), Value{std::string()});
}

TEST(Csv, NumbersAreNumbersWhereTheyAreWrittenAsSuch) {
  const auto rows = csv("a;b;c;d\n5;2.5;007;\"5\"\n-3;1e9;x;true\n", ';');
  EXPECT_EQ(rows->value(0, 0), Value{std::int64_t{5}});
  EXPECT_EQ(rows->value(0, 1), Value{2.5});
  EXPECT_EQ(rows->value(0, 2), Value{std::string("007")});
  EXPECT_EQ(rows->value(0, 3), Value{std::string("5")});
  EXPECT_EQ(rows->value(1, 0), Value{std::int64_t{-3}});
  EXPECT_EQ(rows->value(1, 1), Value{std::string("1e9")});
  EXPECT_EQ(rows->value(1, 3), Value{std::string("true")});
}

TEST(Csv, BrokenRowsAreToldAllAtOnceWithTheirPlace) {
  EXPECT_EQ(csv_problems("a,b\n1,2,3\nx\n1,y\"z\n\"q\"r,1\n1,2\n"),
            "u.csv:2:1 3 fields, and the header names 2 | quote a field that contains the "
            "delimiter\n"
            "u.csv:3:1 1 field, and the header names 2\n"
            "u.csv:4:4 a quote within a field that does not begin with one | quote the whole "
            "field, and write the quote twice: \"a \"\"b\"\"\"\n"
            "u.csv:5:4 text behind a closing quote | a quote within a field is written twice: "
            "\"\"\n");
  EXPECT_EQ(csv_problems("a,b\n1,\"2\n3\n"),
            "u.csv:2:3 a quote that is not closed | a quote within a field is written twice: "
            "\"\"\n");
}

TEST(Csv, Headers) {
  EXPECT_EQ(csv_problems(""), "u.csv:1:1 the file is empty | the first line names the columns\n");
  EXPECT_EQ(csv_problems("a,b\n"),
            "u.csv:1:1 a header and no rows | the first line names the columns\n");
  EXPECT_EQ(csv_problems("a,,a\n1,2,3\n"),
            "u.csv:1:1 \"\" cannot name a column | the first line names the columns, as in: "
            "name,password\nu.csv:1:1 two columns named \"a\"\n");
}

TEST(Csv, Limits) {
  const std::string wide(feeder_field_bytes_max + 1, 'x');
  EXPECT_NE(csv_problems("a\n" + wide + "\n").find("a field longer than 64 KiB"),
            std::string::npos);
  std::string many;
  for (std::size_t i = 0; i < feeder_columns_max + 1; ++i) many += "c" + std::to_string(i) + ",";
  EXPECT_NE(csv_problems(many + "z\n1\n").find("more than 256 columns"), std::string::npos);
  std::string broken = "a,b\n";
  for (int i = 0; i < 100; ++i) broken += "1\n";
  const std::string told = csv_problems(broken);
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), std::ptrdiff_t{feeder_problems_max});
  EXPECT_NE(csv_problems(std::string("a\nx\0y\n", 6)).find("2:2 a NUL"), std::string::npos);
}

TEST(JsonLines, TypesAndMissingMembers) {
  const auto rows = json_lines(
      "{\"id\": 7, \"name\": \"ada\", \"rate\": 1.0, \"ok\": true, \"tags\": [1, 2]}\r\n\n"
      "{\"name\": \"bob\", \"id\": 18446744073709551615, \"ok\": null}");
  ASSERT_EQ(rows->columns(), (std::vector<std::string>{"id", "name", "rate", "ok", "tags"}));
  ASSERT_EQ(rows->rows(), 2U);
  EXPECT_EQ(rows->value(0, 0), Value{std::int64_t{7}});
  EXPECT_EQ(rows->value(0, 2), Value{1.0});
  EXPECT_EQ(rows->value(0, 3), Value{true});
  EXPECT_EQ(rows->value(0, 4), Value{std::string("[1,2]")});
  EXPECT_EQ(rows->value(1, 0), Value{std::string("18446744073709551615")});
  EXPECT_EQ(rows->value(1, 1), Value{std::string("bob")});
  EXPECT_EQ(rows->value(1, 2), Value{});
  EXPECT_EQ(rows->value(1, 3), Value{});
}

TEST(JsonLines, BrokenLinesAreToldAllAtOnce) {
  EXPECT_EQ(json_problems("{\"a\": 1}\n{\"a\": }\n[1]\n{\"b\": 1}\n"),
            "u.jsonl:2:7 not JSON | one whole object in each line\n"
            "u.jsonl:3:1 not an object with members | {\"name\": \"ada\"}\n"
            "u.jsonl:4:1 the first line has no \"b\" | the first line names the columns\n");
  EXPECT_EQ(json_problems("\n"),
            "u.jsonl:1:1 the file is empty | {\"name\": \"ada\", \"password\": \"x\"}\n");
}

TEST(JsonLines, ANumberBeyondAllRangesIsAProblemOfItsLine) {
  EXPECT_EQ(json_problems("{\"a\": 1}\n{\"a\": 1e999}\n{\"a\": -1e999}\n"),
            "u.jsonl:2:1 a number that is out of range | write it as a text\n"
            "u.jsonl:3:1 a number that is out of range | write it as a text\n");
}

CompiledFeeder feeder_of(FeederSpec::Mode mode, std::uint64_t rows) {
  std::string text = "n\n";
  for (std::uint64_t row = 0; row < rows; ++row) text += std::to_string(row) + "\n";
  CompiledFeeder feeder;
  feeder.name = "accounts";
  feeder.rows = csv(text);
  feeder.mode = mode;
  feeder.by_worker = mode != FeederSpec::Mode::random;
  return feeder;
}

std::vector<std::uint64_t> taken(const CompiledFeeder& feeder, std::uint32_t worker,
                                 std::uint32_t workers, std::size_t most) {
  FeederCursor cursor(feeder, worker, workers, 9);
  Random random(1, worker);
  std::vector<std::uint64_t> rows;
  while (rows.size() < most) {
    const auto row = cursor.next(random);
    if (!row) break;
    rows.push_back(*row);
  }
  return rows;
}

TEST(FeederCursor, AQueueGoesInOrderAndEnds) {
  const CompiledFeeder feeder = feeder_of(FeederSpec::Mode::queue, 5);
  EXPECT_EQ(taken(feeder, 0, 1, 99), (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(taken(feeder, 0, 2, 99), (std::vector<std::uint64_t>{0, 2, 4}));
  EXPECT_EQ(taken(feeder, 1, 2, 99), (std::vector<std::uint64_t>{1, 3}));
  FeederCursor cursor(feeder, 1, 2, 9);
  Random random(1, 1);
  while (cursor.next(random)) {
  }
  EXPECT_EQ(cursor.exhausted(),
            "feeder \"accounts\" has no row left: it has 5, of which this worker owned 2");
}

TEST(FeederCursor, WithoutAPartitionEveryWorkerHasAllRows) {
  CompiledFeeder feeder = feeder_of(FeederSpec::Mode::queue, 3);
  feeder.by_worker = false;
  EXPECT_EQ(taken(feeder, 1, 4, 99), (std::vector<std::uint64_t>{0, 1, 2}));
}

TEST(FeederCursor, ACircleBeginsAgain) {
  const CompiledFeeder feeder = feeder_of(FeederSpec::Mode::circular, 3);
  EXPECT_EQ(taken(feeder, 0, 1, 7), (std::vector<std::uint64_t>{0, 1, 2, 0, 1, 2, 0}));
  EXPECT_EQ(taken(feeder, 1, 2, 4), (std::vector<std::uint64_t>{1, 0, 2, 1}));
  EXPECT_EQ(taken(feeder, 7, 8, 2).size(), 2U) << "fewer rows than workers";
}

TEST(FeederCursor, UniqueRowsAreUsedOnceByAllWorkersTogetherInAnOrderOfTheSeed) {
  const CompiledFeeder feeder = feeder_of(FeederSpec::Mode::unique, 1000);
  std::multiset<std::uint64_t> all;
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    for (const std::uint64_t row : taken(feeder, worker, 3, 5000)) all.insert(row);
  }
  EXPECT_EQ(all.size(), 1000U);
  EXPECT_EQ(std::set<std::uint64_t>(all.begin(), all.end()).size(), 1000U);
  EXPECT_EQ(taken(feeder, 0, 3, 50), taken(feeder, 0, 3, 50));
  EXPECT_NE(taken(feeder, 0, 1, 3), (std::vector<std::uint64_t>{0, 1, 2}));
}

TEST(FeederCursor, RandomRowsFollowTheSession) {
  const CompiledFeeder feeder = feeder_of(FeederSpec::Mode::random, 10);
  EXPECT_EQ(taken(feeder, 0, 1, 20), taken(feeder, 0, 1, 20));
  const auto rows = taken(feeder, 1, 2, 300);
  EXPECT_EQ(std::set<std::uint64_t>(rows.begin(), rows.end()).size(), 10U);
  CompiledFeeder own = feeder;
  own.by_worker = true;
  for (const std::uint64_t row : taken(own, 1, 2, 100)) EXPECT_EQ(row % 2, 1U);
}

TEST(FeederCursor, PopularRowsAreThoseAtTheTop) {
  CompiledFeeder feeder = feeder_of(FeederSpec::Mode::random, 100);
  feeder.zipf = 1;
  std::vector<std::uint64_t> counts(100);
  for (const std::uint64_t row : taken(feeder, 1, 2, 50'000)) ++counts.at(row);
  // 1 / (1 + 1/2 + … + 1/100) of them.
  EXPECT_NEAR(static_cast<double>(counts[0]), 50'000 / 5.187, 400);
  EXPECT_NEAR(static_cast<double>(counts[1]), 25'000 / 5.187, 300);
  EXPECT_NEAR(static_cast<double>(counts[99]), 500 / 5.187, 50);
}

TEST(Zipf, DrawsEveryRankAsOftenAsItsWeightSays) {
  for (const double exponent : {0.01, 0.5, 0.99, 1.0, 1.5, 4.0}) {
    for (const std::uint64_t items : {1U, 2U, 7U, 50U}) {
      const Zipf zipf(items, exponent);
      Random random(3, items);
      std::vector<std::uint64_t> counts(items);
      std::vector<double> weights;
      for (std::uint64_t rank = 1; rank <= items; ++rank) {
        weights.push_back(zipf_weight(rank, rank, exponent));
      }
      for (int i = 0; i < 20'000; ++i) ++counts.at(zipf(random));
      const auto test = chi_squared(counts, weights);
      if (test) EXPECT_GT(test->p, 1e-6) << exponent << " of " << items;
    }
  }
}

TEST(Zipf, WeightsOfManyRanksAreTheirSum) {
  for (const double exponent : {0.3, 1.0, 2.5}) {
    double sum = 0;
    for (std::uint64_t rank = 5'000; rank <= 90'000; ++rank) {
      sum += std::pow(static_cast<double>(rank), -exponent);
    }
    EXPECT_NEAR(zipf_weight(5'000, 90'000, exponent) / sum, 1, 1e-6);
  }
  EXPECT_EQ(zipf_weight(3, 2, 1), 0);
  EXPECT_NEAR(zipf_weight(1, 3, 1), 1 + 0.5 + 1.0 / 3, 1e-12);
}

TEST(Permuted, IsAPermutationOfEverySize) {
  for (const std::uint64_t size : {1U, 2U, 3U, 5U, 16U, 17U, 1000U}) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t index = 0; index < size; ++index) {
      const std::uint64_t place = permuted(index, size, 4);
      EXPECT_LT(place, size);
      seen.insert(place);
    }
    EXPECT_EQ(seen.size(), size);
  }
}

}  // namespace
}  // namespace stampede
