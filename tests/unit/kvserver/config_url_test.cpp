#include "config_url.hpp"
#include "support/catch.hpp"

#include <string>

using kvserver::NodeUrl;
using kvserver::parse_node_url;

namespace {

std::string why_not(std::string_view text) {
  std::string why;
  return parse_node_url(text, why) ? "(accepted)" : why;
}

NodeUrl url_of(std::string_view text) {
  std::string why;
  const auto url = parse_node_url(text, why);
  if (!url) FAIL(text << " " << why);
  return *url;
}

}  // namespace

TEST_CASE("a URL is host and port, written in one way") {
  CHECK(url_of("http://localhost:9081") == NodeUrl{"http", "localhost", 9081});
  CHECK(url_of("HTTP://Kv1.Example:9081/").text() == "http://kv1.example:9081");
  CHECK(url_of("http://10.0.0.1").text() == "http://10.0.0.1:80");
  CHECK(url_of("https://kv").text() == "https://kv:443");
  CHECK(url_of("http://[FE80::1]:65535").text() == "http://[fe80::1]:65535");
  CHECK(url_of("http://[::1]") == NodeUrl{"http", "::1", 80});
}

TEST_CASE("what is no URL of a node is refused with the reason") {
  CHECK(why_not("") == "is no URL");
  CHECK(why_not("localhost:9081") == "is no URL");
  CHECK(why_not("ftp://a") == "is no http URL");
  for (const char* text : {"http://a:1/x", "http://a:1//", "http://u:p@a:1", "http://a:1?q", "http://a:1#f"}) {
    CHECK(why_not(text) == "has more than host and port");
  }
  for (const char* text : {"http://", "http://:80", "http://a b:1", "http://[::1:80", "http://[::1]80", "http://[a]:80",
                           "http://[]:80", "http://\xc3\xa9:80"}) {
    INFO(text);
    CHECK(why_not(text) == "has no proper host");
  }
  for (const char* text : {"http://a:", "http://a:0", "http://a:65536", "http://a:+1", "http://a:1x", "http://a:1:2"}) {
    INFO(text);
    CHECK(why_not(text) == "has no proper port (1 to 65535)");
  }
}

TEST_CASE("addresses are told from names, and wildcards from addresses") {
  CHECK(kvserver::is_ip_address("127.0.0.1"));
  CHECK(kvserver::is_ip_address("::1"));
  CHECK_FALSE(kvserver::is_ip_address("localhost"));
  CHECK_FALSE(kvserver::is_ip_address("1.2.3"));
  CHECK_FALSE(kvserver::is_ip_address(std::string("127.0.0.1\0x", 11)));
  CHECK(kvserver::is_wildcard_address("0.0.0.0"));
  CHECK(kvserver::is_wildcard_address("::"));
  CHECK(kvserver::is_wildcard_address("0:0::0"));
  CHECK_FALSE(kvserver::is_wildcard_address("0.0.0.1"));
  CHECK_FALSE(kvserver::is_wildcard_address(""));
}
