// parse_query; the query parser has no header of its own.
#include "api/http_server.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>

using kvserver::parse_query;
using kvserver::Query;
using libraft::errc;

TEST_CASE("a query is split at & and the first = of each pair") {
  CHECK(parse_query("").value() == Query{});
  CHECK(parse_query("key=a").value() == Query{{"key", "a"}});
  CHECK(parse_query("b=2&a=1").value() == Query{{"a", "1"}, {"b", "2"}});
  CHECK(parse_query("a=b=c&d==").value() == Query{{"a", "b=c"}, {"d", "="}});
  CHECK(parse_query("flag&empty=").value() == Query{{"empty", ""}, {"flag", ""}});
  CHECK(parse_query("=nameless").value() == Query{{"", "nameless"}});
}

TEST_CASE("empty pairs of a query are none") {
  for (const char* empty : {"&", "&&&"}) CHECK(parse_query(empty).value() == Query{});
  CHECK(parse_query("&a=1&&b=2&").value() == Query{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("escapes are decoded in names and values, after the split") {
  CHECK(parse_query("%6b%65y=a%26b%3Dc").value() == Query{{"key", "a&b=c"}});
  CHECK(parse_query("a%3D=1%2B+2").value() == Query{{"a=", "1+ 2"}});
  CHECK(parse_query("k=%c3%A9%2525").value() == Query{{"k", "\xc3\xa9%25"}});  // once, in either case
  CHECK(parse_query("k=%00.").value() == Query{{"k", std::string("\0.", 2)}});
}

TEST_CASE("an escape must have two hexadecimal digits, also at the end of a pair") {
  for (const char* broken : {"a=%", "a=%4", "a=1%", "a=1%4", "%=1", "%4=1", "a=%&b=41", "a=%4&b=1", "a=%4g", "a=%g4",
                             "a=%%41", "a=% 41", "a=%-1", "a=%0x41"}) {
    INFO(broken);
    CHECK(parse_query(broken).error() == errc::malformed);
  }
  CHECK(parse_query(std::string_view("a=%41", 4)).error() == errc::malformed);  // what lies behind is not read
}

TEST_CASE("a name or value that is not UTF-8 when decoded breaks the query") {
  for (const char* broken : {"a=%ff", "%ff=a", "a=\xff", "a=%c3&b=%a9", "a=%c3=%a9", "a=%c0%80", "a=%ed%a0%80"}) {
    INFO(broken);
    CHECK(parse_query(broken).error() == errc::malformed);
  }
}

TEST_CASE("names are compared when decoded, and none may come twice") {
  for (const char* twice : {"a=1&%61=1", "a&a=", "a=1&b=2&a=3", "=1&=2", "a+b=1&a%20b=2"}) {
    INFO(twice);
    CHECK(parse_query(twice).error() == errc::malformed);
  }
  CHECK(parse_query("a=1&A=2").value() == Query{{"A", "2"}, {"a", "1"}});
}
