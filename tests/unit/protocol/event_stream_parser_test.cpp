#include "harness/protocol/event_stream_parser.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace stampede {
namespace {

using Step = EventStreamParser::Step;
using std::string_literals::operator""s;

// "name|data|id" of every event.
std::vector<std::string> read_on(EventStreamParser& parser, std::string_view text) {
  std::vector<std::string> events;
  parser.feed(text);
  while (true) {
    const Step step = parser.next();
    if (step == Step::needs_more) return events;
    if (step == Step::too_big) {
      events.emplace_back("TOO BIG");
      return events;
    }
    const ServerEvent& event = parser.event();
    events.push_back(std::string(event.name) + "|" + std::string(event.data) + "|" +
                     std::string(event.id));
  }
}

std::vector<std::string> events_of(std::string_view text) {
  EventStreamParser parser;
  return read_on(parser, text);
}
using Events = std::vector<std::string>;

TEST(EventStreamParser, ReadsTheStandardsExamples) {
  // WHATWG HTML §9.2.6, in its order.
  EXPECT_EQ(events_of("data: YHOO\ndata: +2\ndata: 10\n\n"), (Events{"message|YHOO\n+2\n10|"}));
  EXPECT_EQ(events_of(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                      "data:  third event\n\n"),
            (Events{"message|first event|1", "message|second event|", "message| third event|"}));
  EXPECT_EQ(events_of("data\n\ndata\ndata\n\ndata:"), (Events{"message||", "message|\n|"}));
  EXPECT_EQ(events_of("data:test\n\ndata: test\n\n"), (Events{"message|test|", "message|test|"}));
}

TEST(EventStreamParser, NamesAndIdsBelongToTheirEvent) {
  EXPECT_EQ(events_of("event: seats\nid: 7\ndata: x\n\ndata: y\n\n"),
            (Events{"seats|x|7", "message|y|7"}));
  EXPECT_EQ(events_of("event: lost\n\ndata: y\n\n"), (Events{"message|y|"}))
      << "an event without data is none, and its name goes with it";
}

TEST(EventStreamParser, EveryKindOfLineEndCounts) {
  EXPECT_EQ(events_of("data: a\r\rdata: b\r\n\r\ndata: c\n\n"),
            (Events{"message|a|", "message|b|", "message|c|"}));
}

TEST(EventStreamParser, AnIdWithANulIsIgnored) {
  EventStreamParser parser;
  EXPECT_EQ(read_on(parser, "id: 1\ndata: a\n\nid: 2\0x\ndata: b\n\n"s),
            (Events{"message|a|1", "message|b|1"}));
  EXPECT_EQ(parser.last_event_id(), "1");
}

TEST(EventStreamParser, TheIdCountsOnceItsEventIsWhole) {
  EventStreamParser parser;
  EXPECT_EQ(read_on(parser, "id: 1\ndata: a\n\nid: 2\ndata: b\n"), (Events{"message|a|1"}));
  EXPECT_EQ(parser.last_event_id(), "1") << "the blank line has not come";
  parser.restart();
  EXPECT_EQ(read_on(parser, "data: c\n\n"), (Events{"message|c|1"}))
      << "half an event is dropped, and the id lives on";
  EXPECT_EQ(read_on(parser, "id: 3\n\n"), Events{});
  EXPECT_EQ(parser.last_event_id(), "3") << "an id alone counts too";
}

TEST(EventStreamParser, RetryIsDigitsOnlyAndBounded) {
  EventStreamParser parser;
  EXPECT_FALSE(parser.retry().has_value());
  read_on(parser, "retry: 1500\n");
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds{1500});
  for (const std::string_view bad : {"retry: -1\n", "retry: 1.5\n", "retry:\n", "retry: 2s\n"}) {
    read_on(parser, bad);
    EXPECT_EQ(parser.retry(), std::chrono::milliseconds{1500}) << bad;
  }
  read_on(parser, "retry: 99999999999999999999999\n");
  EXPECT_EQ(parser.retry(), EventStreamParser::retry_max);
}

TEST(EventStreamParser, AByteOrderMarkStandsAtTheBeginningOnly) {
  EXPECT_EQ(events_of("\xEF\xBB\xBF"
                      "data: a\n\n"),
            (Events{"message|a|"}));
  EXPECT_EQ(events_of("\n\xEF\xBB\xBF"
                      "data: a\n\n"),
            Events{})
      << "an unknown field";
}

TEST(EventStreamParser, UnknownFieldsAndCommentsAreSkipped) {
  EXPECT_EQ(events_of(":\n: data: no\nDATA: no\ndat: no\n data: no\ndata: a\n\n"),
            (Events{"message|a|"}));
}

TEST(EventStreamParser, AnySplitGivesTheSameEvents) {
  const std::string text =
      "\xEF\xBB\xBF: hello\r\n\r\nid: 1\r\nevent: seats\r\ndata: {\"v\":1}\r\ndata: more\r\n\r\n"
      "retry: 20\rdata: cr\r\rdata: lf\nid: 2\n\n:keep-alive\n\ndata\n\n";
  const Events expected{"seats|{\"v\":1}\nmore|1", "message|cr|1", "message|lf|2", "message||2"};
  ASSERT_EQ(events_of(text), expected);
  // Every place of one cut, and of two.
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      EventStreamParser parser;
      Events got;
      for (const auto& [from, to] :
           {std::pair{std::size_t{0}, first}, {first, second}, {second, text.size()}}) {
        const std::string piece = text.substr(from, to - from);  // its own memory
        for (std::string& event : read_on(parser, piece)) got.push_back(std::move(event));
      }
      ASSERT_EQ(got, expected) << first << " " << second;
    }
  }
}

TEST(EventStreamParser, ByteByByte) {
  EventStreamParser parser;
  Events got;
  for (const char c : "data: a\r\n\r\ndata: b\n\n"s) {
    for (std::string& event : read_on(parser, std::string_view(&c, 1))) got.push_back(event);
  }
  EXPECT_EQ(got, (Events{"message|a|", "message|b|"}));
}

TEST(EventStreamParser, WhatIsTooBigEndsTheStream) {
  const auto last = [](std::string_view text) {
    EventStreamParser parser(100);
    const Events events = read_on(parser, text);
    return events.empty() ? std::string() : events.back();
  };
  EXPECT_EQ(last("data: " + std::string(94, 'x') + "\n\n"),
            "message|" + std::string(94, 'x') + "|");
  EXPECT_EQ(last("data: " + std::string(95, 'x') + "\n\n"), "TOO BIG") << "a line";
  EXPECT_EQ(last(std::string(101, 'x')), "TOO BIG") << "a line without an end";
  EXPECT_EQ(last("data: " + std::string(60, 'x') + "\ndata: " + std::string(60, 'x')), "")
      << "not yet: the second line has no end";
  EXPECT_EQ(last("data: " + std::string(60, 'x') + "\ndata: " + std::string(60, 'x') + "\n"),
            "TOO BIG")
      << "an event of many lines";
}

TEST(EventStreamParser, GarbageNeverCrashes) {
  std::mt19937 random(3);
  constexpr std::string_view alphabet = "\r\n: dataeventidretry0123\xEF\xBB\xBF\xFF\0x";
  for (int run = 0; run < 3000; ++run) {
    EventStreamParser parser(64);
    for (int part = 0; part < 5; ++part) {
      std::string text(random() % 40, '\0');
      for (char& c : text) c = alphabet[random() % alphabet.size()];
      const Events got = read_on(parser, text);
      if (!got.empty() && got.back() == "TOO BIG") break;
      if (random() % 10 == 0) parser.restart();
    }
  }
}

}  // namespace
}  // namespace stampede
