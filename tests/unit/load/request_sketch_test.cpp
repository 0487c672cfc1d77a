// What a step's request is written from: everything that stays in one piece, gaps for the rest.
#include "harness/load/request_sketch.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

const std::vector<std::string> slots{"name", "token"};

Template text(std::string_view of) { return *Template::parse(of, slots); }

HttpStep step(std::string method, std::string_view path) {
  HttpStep http;
  http.method = std::move(method);
  http.path = text(path);
  return http;
}

ServerAddress server() {
  ServerAddress address;
  address.host_header = "test:80";
  address.path_prefix = "/api";
  return address;
}

struct Written {
  Exchange exchange;
  bool fine = false;
  std::size_t gaps = 0;
};

std::unique_ptr<Written> write(const HttpStep& http, const ServerAddress& to = server(),
                               std::string_view name = "ann") {
  auto written = std::make_unique<Written>();
  Variables variables(slots.size());
  variables.set_text(0, name);
  variables.set_text(1, "secret");
  Random random(1, 2);
  const RequestSketch sketch(http, to);
  written->fine = sketch.write(variables, random, nullptr, written->exchange);
  written->gaps = sketch.gaps();
  return written;
}

TEST(RequestSketch, WhatNeverVariesHasNoGap) {
  HttpStep http = step("GET", "/a?b=c");
  http.headers = {{"Accept", text("text/plain")}};
  http.keep_body = false;
  http.wanted_headers = {"Etag"};
  const auto written = write(http);
  EXPECT_TRUE(written->fine);
  EXPECT_EQ(written->gaps, 0u);
  EXPECT_EQ(written->exchange.request,
            "GET /api/a?b=c HTTP/1.1\r\nHost: test:80\r\nAccept: text/plain\r\n\r\n");
  EXPECT_TRUE(written->exchange.repeatable);
  EXPECT_FALSE(written->exchange.keep_body);
  EXPECT_EQ(written->exchange.wanted_headers.size(), 1u);
}

TEST(RequestSketch, AConstantBodyBringsItsLengthAndType) {
  HttpStep http = step("POST", "/a");
  http.body = text("{}");
  auto written = write(http);
  EXPECT_EQ(written->gaps, 0u);
  EXPECT_EQ(written->exchange.request,
            "POST /api/a HTTP/1.1\r\nHost: test:80\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}");
  EXPECT_FALSE(written->exchange.repeatable);
  http.headers = {{"content-type", text("text/plain")}};
  http.body_file = std::make_shared<const std::string>("file");
  written = write(http);
  EXPECT_EQ(written->exchange.request,
            "POST /api/a HTTP/1.1\r\nHost: test:80\r\ncontent-type: text/plain\r\n"
            "Content-Length: 6\r\n\r\n{}file");
  EXPECT_EQ(write(step("PUT", "/a"))->exchange.request,
            "PUT /api/a HTTP/1.1\r\nHost: test:80\r\nContent-Length: 0\r\n\r\n");
}

TEST(RequestSketch, WhatVariesIsWrittenEachTime) {
  HttpStep http = step("POST", "/of/${name}/x");
  http.headers = {{"Accept", text("*/*")}, {"Authorization", text("Bearer ${token}")}};
  http.body = text("{\"by\": \"${name}\"}");
  ServerAddress once = server();
  once.max_requests = 1;
  const auto written = write(http, once);
  EXPECT_EQ(written->gaps, 3u);
  EXPECT_EQ(written->exchange.request,
            "POST /api/of/ann/x HTTP/1.1\r\nHost: test:80\r\nAccept: */*\r\n"
            "Authorization: Bearer secret\r\nContent-Type: application/json\r\n"
            "Connection: close\r\nContent-Length: 13\r\n\r\n{\"by\": \"ann\"}");
  EXPECT_TRUE(written->exchange.body.empty());
  EXPECT_NE(write(http, once, "bob")->exchange.request.find("/of/bob/x"), std::string::npos);
}

TEST(RequestSketch, SaysWhatHasNoPlaceInALine) {
  HttpStep http = step("GET", "/${name}");
  auto written = write(http, server(), "a b");
  EXPECT_FALSE(written->fine);
  EXPECT_EQ(written->exchange.problem, "not sent: a blank in the path");
  http = step("GET", "/a b");  // constant, and found out all the same
  EXPECT_EQ(write(http)->exchange.problem, "not sent: a blank in the path");
  http = step("GET", "/");
  http.headers = {{"X-Name", text("${name}")}};
  written = write(http, server(), "a\r\nb");
  EXPECT_EQ(written->exchange.problem, "not sent: a line break in the value of the header X-Name");
}

}  // namespace
}  // namespace stampede
