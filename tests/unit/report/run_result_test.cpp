#include "harness/report/run_result.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test_paths.hpp"
#include "tests/unit/report/external.hpp"
#include "tests/unit/report/sample_result.hpp"

namespace stampede {
namespace {

using Json = nlohmann::ordered_json;

std::vector<RunResult> all_samples() {
  return {passing_result(), failing_result(), invalid_result(), unfinished_result(), RunResult{}};
}

TEST(RunResult, RoundTripsThroughItsText) {
  for (const RunResult& result : all_samples()) {
    const std::string text = to_json(result);
    const auto read = run_result_from_json(text);
    ASSERT_TRUE(read.has_value()) << render(read.error(), text);
    EXPECT_EQ(to_json(*read), text);
  }
}

TEST(RunResult, TheTextSaysWhatTheResultSays) {
  const RunResult result = passing_result();
  const Json json = Json::parse(to_json(result));
  EXPECT_EQ(json["verdict"], "PASS");
  EXPECT_EQ(json["tx_per_second"], result.tx_rate);
  EXPECT_EQ(json["findings"][0]["rule"], "p95 < 200ms");
  EXPECT_EQ(json["findings"][0]["result"], "held");
  EXPECT_EQ(json["counters"]["confirmed"]["count"], 6870);
  EXPECT_TRUE(json["seconds"][134]["response_ns_p99"].is_null());
  EXPECT_EQ(json["environment"]["kernel"], "6.18.5");
}

TEST(RunResult, ReportsEveryProblemAtOnce) {
  Json json = Json::parse(to_json(passing_result()));
  json["seed"] = -1;
  json["series"][3]["count"] = "many";
  json["findings"][0]["result"] = "PASS";
  json.erase("topology");
  json["surprise"] = 1;
  json["seconds"][2]["second"] = 1e30;
  const auto read = run_result_from_json(json.dump());
  ASSERT_TRUE(read.has_error());
  std::string all;
  for (const Diagnostic& problem : read.error()) all += problem.message + "\n";
  EXPECT_EQ(read.error().size(), 6U) << all;
  EXPECT_NE(all.find("/seed is out of range"), std::string::npos) << all;
  EXPECT_NE(all.find("/series/3/count must be a whole number"), std::string::npos) << all;
  EXPECT_NE(all.find("/findings/0/result must be held"), std::string::npos) << all;
  EXPECT_NE(all.find("the file has no member \"topology\""), std::string::npos) << all;
  EXPECT_NE(all.find("the file has an unknown member \"surprise\""), std::string::npos) << all;
}

TEST(RunResult, BrokenTextHasAPlace) {
  const auto read = run_result_from_json("{\n  \"id\": ?\n}");
  ASSERT_TRUE(read.has_error());
  EXPECT_EQ(read.error().front().place.line, 2);
  EXPECT_TRUE(run_result_from_json("").has_error());
  EXPECT_TRUE(run_result_from_json("[]").has_error());
  EXPECT_TRUE(run_result_from_json("null").has_error());
}

TEST(RunResult, KeepsTheCountsOfStreams) {
  RunResult result = passing_result();
  result.streams = {1, 2, 3, 4, 5, 6, 7, 8, 9, {{1000, 10}, {4410, 11}}};
  const std::string text = to_json(result);
  EXPECT_EQ(Json::parse(text)["streams"]["close_codes"]["4410"], 11);
  const auto read = run_result_from_json(text);
  ASSERT_TRUE(read.has_value()) << render(read.error(), text);
  EXPECT_EQ(read->streams, result.streams);
  Json broken = Json::parse(text);
  broken["streams"]["close_codes"]["70000"] = 1;
  EXPECT_TRUE(run_result_from_json(broken.dump()).has_error());
}

TEST(RunResult, FactsThatAreNotThereAreNullAndRunsOfBeforeAreRead) {
  Json json = Json::parse(to_json(passing_result()));
  EXPECT_EQ(json["funnel"]["stages"][1]["name"], "admitted");
  EXPECT_EQ(json["seats"]["sold"], 20420);
  EXPECT_TRUE(json["stores"]["mysql_log_syncs"].is_null());
  EXPECT_EQ(json["stores"]["redis_scripts"]["hold"]["ns_mean"], 412000);
  EXPECT_EQ(json["seconds"][100]["counters"]["confirmed"],
            passing_result().seconds.at(100).counters.at("confirmed"));
  EXPECT_TRUE(json["processes"][0]["sockets"].is_null());
  const Json nothing = Json::parse(to_json(unfinished_result()));
  for (const char* key : {"funnel", "seats", "stores", "machine"}) {
    EXPECT_TRUE(nothing[key].is_null()) << key;
    json.erase(key);
  }
  for (Json& second : json["seconds"]) second.erase("counters");
  for (Json& process : json["processes"]) process.erase("sockets");
  const auto read = run_result_from_json(json.dump());
  ASSERT_TRUE(read.has_value()) << render(read.error(), json.dump());
  EXPECT_FALSE(read->funnel);
  EXPECT_FALSE(read->seats);
}

TEST(RunResult, KeepsTheIntervalOfAGateAsNumbers) {
  const RunResult result = passing_result();
  Json json = Json::parse(to_json(result));
  const Json& interval = json["findings"][0]["interval"];
  EXPECT_EQ(interval["confidence"], 0.95);
  EXPECT_LT(interval["low"], json["findings"][0]["figure"]);
  EXPECT_GT(interval["high"], json["findings"][0]["figure"]);
  EXPECT_LT(interval["samples_effective"], interval["samples"]);
  EXPECT_TRUE(json["findings"][1]["interval"].is_null()) << "a mean has none";
  const auto read = run_result_from_json(json.dump());
  ASSERT_TRUE(read.has_value());
  ASSERT_TRUE(read->findings[0].interval);
  EXPECT_EQ(read->findings[0].interval->samples, result.findings[0].interval->samples);
  EXPECT_EQ(read->findings[0].interval->low, result.findings[0].interval->low);
  // A run file of before.
  for (Json& finding : json["findings"]) finding.erase("interval");
  EXPECT_TRUE(run_result_from_json(json.dump()).has_value());
  json["findings"][0]["interval"] = {{"confidence", 0.95}};
  EXPECT_TRUE(run_result_from_json(json.dump()).has_error());
}

TEST(RunResult, AnotherVersionIsRefused) {
  RunResult result = passing_result();
  result.schema_version = 2;
  EXPECT_TRUE(run_result_from_json(to_json(result)).has_error());
}

TEST(RunResult, BytesThatAreNoTextDoNotBreakTheFile) {
  RunResult result = unfinished_result();
  result.error_examples["malformed"] = "\xff\xfe\x01 half \xe2\x82";
  const auto read = run_result_from_json(to_json(result));
  ASSERT_TRUE(read.has_value());
  EXPECT_NE(read->error_examples.at("malformed").find("half"), std::string::npos);
}

TEST(RunResult, AnInvalidRunNeverSaysPass) {
  RunResult result = invalid_result();
  ASSERT_EQ(result.verdict, "INVALID");
  EXPECT_EQ(to_json(result).find("PASS"), std::string::npos);
}

const std::string schema_file = STAMPEDE_SOURCE_DIR "/reports/run_result.schema.json";
const std::string validate =
    "/usr/bin/python3 -c \"import json, sys, jsonschema; "
    "schema = json.load(open('" +
    schema_file +
    "')); jsonschema.Draft7Validator.check_schema(schema); "
    "jsonschema.Draft7Validator(schema).validate(json.load(open('{}')))\"";

class RunResultSchema : public testing::Test {
 protected:
  void SetUp() override {
    if (!command_works("/usr/bin/python3 -c 'import jsonschema'")) {
      GTEST_SKIP() << "python3 with jsonschema is not installed";
    }
  }
};

TEST_F(RunResultSchema, EveryRunFileValidates) {
  for (const RunResult& result : {passing_result(), failing_result(), unfinished_result()}) {
    EXPECT_TRUE(accepted_by(validate, to_json(result)));
  }
}

TEST_F(RunResultSchema, NoFactMayBeRemoved) {
  const Json whole = Json::parse(to_json(failing_result()));
  const std::string loop =
      "/usr/bin/python3 -c \"import json, sys, jsonschema; "
      "validator = jsonschema.Draft7Validator(json.load(open('" +
      schema_file +
      "'))); whole = json.load(open('{}')); whole['seconds'] = whole['seconds'][:2]; "
      "missed = [key for key in whole if validator.is_valid("
      "{k: v for k, v in whole.items() if k != key})]; "
      "missed += ['series.' + key for key in whole['series'][0] if validator.is_valid("
      "dict(whole, series=[{k: v for k, v in whole['series'][0].items() if k != key}]))]; "
      "missed += ['finding.' + key for key in whole['findings'][0] if validator.is_valid("
      "dict(whole, findings=[{k: v for k, v in whole['findings'][0].items() if k != key}]))]; "
      "missed += ['verdict'] if validator.is_valid(dict(whole, verdict='FINE')) else []; "
      "missed += ['extra'] if validator.is_valid(dict(whole, extra=1)) else []; "
      "sys.exit('may be missing or wrong: ' + str(missed) if missed else 0)\"";
  EXPECT_TRUE(accepted_by(loop, whole.dump()));
}

}  // namespace
}  // namespace stampede
