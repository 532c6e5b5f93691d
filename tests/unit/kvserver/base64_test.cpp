#include "json/base64.hpp"

#include "json/utf8.hpp"
#include "support/catch.hpp"

using kvserver::base64_decode;
using kvserver::base64_encode;
using kvserver::is_valid_utf8;

TEST_CASE("base64 gives the vectors of RFC 4648 and reads them back") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == std::string(bytes));
  }
  CHECK(base64_encode("\xfb\xff") == "+/8=");
}

TEST_CASE("base64 carries every byte at every position") {
  std::string bytes;
  for (int shift = 0; shift < 3; ++shift) {
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    bytes += 'x';
  }
  CHECK(base64_decode(base64_encode(bytes)) == bytes);
}

TEST_CASE("base64 refuses all that base64_encode does not give") {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zg==Zg==", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm-_", "Z=g="}) {
    INFO(text);
    CHECK_FALSE(base64_decode(text));
  }
  CHECK_FALSE(base64_decode(std::string_view("Zm9\0", 4)));
}

TEST_CASE("UTF-8 is accepted up to the edges of table 3-7 of the Unicode standard") {
  for (const char* text : {"", "abc", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "long ASCII, then \xe2\x82\xac"}) {
    INFO(text);
    CHECK(is_valid_utf8(text));
  }
  CHECK(is_valid_utf8(std::string_view("\0\0", 2)));
}

TEST_CASE("UTF-8 is refused beyond the edges: overlong, surrogate, above U+10FFFF, cut off") {
  for (const char* text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf",
                           "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "12345678\xff", "1234567\xe2\x82"}) {
    INFO(text);
    CHECK_FALSE(is_valid_utf8(text));
  }
}
