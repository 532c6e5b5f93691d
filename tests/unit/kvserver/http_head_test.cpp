#include "api/http_head.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>

namespace {

using kvserver::flaw_of_head;
using kvserver::is_token;
using kvserver::target_of_head;
using namespace std::string_literals;

// With one header line more, or several.
std::string head_with(std::string_view lines) {
  return "PUT /set?x HTTP/1.1\r\nHost: x\r\n" + std::string(lines) + "\r\nAccept: */*\r\n\r\n";
}

TEST_CASE("flaw_of_head finds none in what clients send") {
  CHECK_FALSE(flaw_of_head("GET / HTTP/1.1\r\n\r\n"));
  for (const char* lines :
       {"Content-Length: 23", "content-length:23", "CONTENT-LENGTH:\t 23 \t", "Content-Length: 0",
        "Content-Length: 18446744073709551616", "X-Empty:", "X-Empty: \t ", "X-Colons: a:b::c", "X-Tab: a\tb",
        "X-Text: \xC3\xA9\xFF", "!#$%&'*+-.^_`|~09azAZ: y", "Transfer-Encoding: chunked", "Content-Encoding: gzip"}) {
    CAPTURE(lines);
    CHECK_FALSE(flaw_of_head(head_with(lines)));
  }
}

TEST_CASE("flaw_of_head wants a method, a target without a fragment and a version, with one space between") {
  for (const char* line : {"GET /get?key=a?b HTTP/1.1", "GET http://host/get HTTP/1.0", "OPTIONS * HTTP/1.1"}) {
    CAPTURE(line);
    CHECK_FALSE(flaw_of_head(std::string(line) + "\r\n\r\n"));
  }
  for (const char* line : {"", "GET", "GET /get", "GET  /get HTTP/1.1", "GET /get  HTTP/1.1", " GET /get HTTP/1.1",
                           "GET /get HTTP/1.1 ", "GET\t/get HTTP/1.1", "GET /get\t HTTP/1.1", "GET /a b HTTP/1.1",
                           "G(T /get HTTP/1.1", "GET /get 1.1", "DELETE /delete?key=a#b HTTP/1.1", "GET /# HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(flaw_of_head(std::string(line) + "\r\n\r\n"));
  }
}

TEST_CASE("target_of_head is the second word of the first line") {
  CHECK(target_of_head("GET /get?key=a?b HTTP/1.1\r\nX: /y z\r\n\r\n") == "/get?key=a?b");
  CHECK(target_of_head("GET /get") == "/get");
  CHECK(target_of_head("GET\r\nX: /y z\r\n\r\n").empty());
  CHECK(target_of_head("").empty());
}

TEST_CASE("flaw_of_head finds header lines that are malformed") {
  for (const std::string& lines :
       {"no colon"s, " "s, ": no name"s, ":"s, "Name : x"s, "Name\t: x"s, " Name: x"s, "\tName: x"s, "Two words: x"s,
        "Na(me): x"s, "N\xC3\xA9: x"s, "X: folded\r\n line"s, "X: folded\r\n\tline: x"s}) {
    CAPTURE(lines);
    CHECK(flaw_of_head(head_with(lines)));
    CHECK(flaw_of_head("GET / HTTP/1.1\r\n" + lines + "\r\n\r\n"));
  }
}

TEST_CASE("flaw_of_head finds every control character but the tab") {
  for (int c = 0; c < 0x20; ++c) {
    CAPTURE(c);
    const std::string text = "a"s + static_cast<char>(c) + "b";
    CHECK(flaw_of_head(head_with("X: " + text)).has_value() == (c != '\t'));
    CHECK(flaw_of_head("GET /" + text + " HTTP/1.1\r\n\r\n"));
  }
  CHECK(flaw_of_head(head_with("X: a\x7f")));
  CHECK(flaw_of_head(head_with("X: a\r")));
  CHECK(flaw_of_head(head_with("X: a\nContent-Length: 23")));
}

TEST_CASE("flaw_of_head takes one length, of digits, as it was sent") {
  for (const char* lines : {"Content-Length:", "Content-Length: \t", "Content-Length: +5", "Content-Length: -5",
                            "Content-Length: 0x5", "Content-Length: 5 5", "Content-Length: 5, 5",
                            "Content-Length: %32%33", "Content-Length: 5\r\nContent-Length: 5",
                            "content-length: 5\r\nX: y\r\nCONTENT-LENGTH: 5", "Content-Length: \xD9\xA5"}) {
    CAPTURE(lines);
    CHECK(flaw_of_head(head_with(lines)));
  }
}

TEST_CASE("flaw_of_head finds an encoding without a name") {
  for (const char* lines : {"Content-Encoding:", "Transfer-Encoding: ", "CONTENT-encoding:\t"}) {
    CAPTURE(lines);
    CHECK(flaw_of_head(head_with(lines)));
  }
}

TEST_CASE("flaw_of_head takes the whole of a head and nothing else") {
  const std::string head = head_with("X: y");
  for (std::size_t size = 0; size < head.size(); ++size) CHECK(flaw_of_head(head.substr(0, size)));
  CHECK_FALSE(flaw_of_head(head));
  CHECK(flaw_of_head(head + "x"));
}

TEST_CASE("is_token tells the words of HTTP from other text") {
  CHECK(is_token("M-SEARCH"));
  CHECK(is_token("!#$%&'*+-.^_`|~"));
  for (const std::string_view text : {"", " ", "a b", "a:", "a/b", "{}", "\"a\"", "a\x01", "\xC3\xA9"}) {
    CAPTURE(text);
    CHECK_FALSE(is_token(text));
  }
}

}  // namespace
