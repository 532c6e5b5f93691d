#include "json/json.hpp"

#include "support/catch.hpp"

namespace json = kvserver::json;
using libraft::test::contains_text;

namespace {

std::string error_of(std::string_view text) {
  std::string error;
  return json::parse(text, error) ? "accepted" : error;
}

json::Value value_of(std::string_view text) {
  std::string error;
  auto value = json::parse(text, error);
  INFO(error);
  REQUIRE(value);
  return std::move(*value);
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("json: each kind of value is read") {
  const auto value =
      value_of(R"( {"n":null,"t":true,"f":false,"u":18446744073709551615,"s":"x","a":[1,"2",[]],"o":{}} )");
  CHECK(value.find("n")->is_null());
  CHECK(*value.find("t")->boolean());
  CHECK_FALSE(*value.find("f")->boolean());
  CHECK(value.find("u")->u64() == UINT64_MAX);
  CHECK(*value.find("s")->string() == "x");
  CHECK(value.find("a")->array()->size() == 3);
  CHECK(value.find("a")->array()->at(1).u64() == std::nullopt);
  CHECK(value.find("o")->object()->empty());
  CHECK(value.find("absent") == nullptr);
  CHECK(value.object()->front().name == "n");
}

TEST_CASE("json: numbers that are no unsigned 64-bit integers keep their text and are no integers") {
  for (const char* text : {"18446744073709551616", "-1", "1.0", "1e3", "0.0000000000000001e-2147483639", "1e308"}) {
    const auto value = value_of(text);
    REQUIRE(value.number() != nullptr);
    CHECK(value.number()->text == text);
    CHECK_FALSE(value.u64());
  }
  CHECK(value_of("0").u64() == 0);
}

TEST_CASE("json: strings keep every character, NUL and those beyond the basic plane too") {
  CHECK(*value_of(R"("a\u0000b\n\"\\\/\u20ac\ud83d\ude00")").string() ==
        std::string("a\0b\n\"\\/\xe2\x82\xac\xf0\x9f\x98\x80", 14));
  CHECK(*value_of("\"\xf0\x9f\x98\x80\"").string() == "\xf0\x9f\x98\x80");
}

TEST_CASE("json: texts that are not exactly one JSON value are refused") {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv,     " "sv,          "{"sv,       "["sv,        "{\"a\":1"sv,  "{\"a\"}"sv,   "{a:1}"sv,
        "[1,]"sv, "{\"a\":1,}"sv, "01"sv,      "+1"sv,       "1."sv,        ".5"sv,        "NaN"sv,
        "tru"sv,  "'x'"sv,        "\"x"sv,     "\"\x01\""sv, "\"\\x\""sv,   "\"\\u12\""sv, "{} {}"sv,
        "{}x"sv,  "[123]\0x"sv,   "[123]\0"sv, "\0"sv,       "/**/1"sv,     "[1] // c"sv,  "\xef\xbb\xbf{}"sv,
        "]"sv,    "[}"sv,         "{]"sv,      "[1 2]"sv,    "{\"a\" 1}"sv, "\"\t\""sv,    "\"\n\""sv}) {
    INFO(text);
    CHECK_THAT(error_of(text), contains_text("not JSON"));
  }
}

TEST_CASE("json: what is no Unicode is refused") {
  for (const char* text :
       {R"("\ud800")", R"("\ud800x")", R"("\udc00")", R"("\ud800\u0041")", "\"\xff\"", "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "{\"\xff\":1}"}) {
    INFO(text);
    CHECK_THAT(error_of(text), contains_text("not JSON"));
  }
}

TEST_CASE("json: a member twice is refused at any depth, also spelled differently, also among many") {
  CHECK(error_of(R"({"key":1,"key":1})") == "not JSON: duplicate member `key` (byte 16)");
  CHECK_THAT(error_of(R"([{"a":{"b":1,"\u0062":2}}])"), contains_text("duplicate member `b`"));
  std::string many = "{\"m0\":0";
  for (int i = 1; i < 20000; ++i) many += ",\"m" + std::to_string(i) + "\":0";
  CHECK(error_of(many + "}") == "accepted");
  CHECK_THAT(error_of(many + ",\"m777\":0}"), contains_text("duplicate member `m777`"));
}

TEST_CASE("json: nesting is bounded, and a text of brackets only does no harm") {
  CHECK(error_of(nested(32)) == "accepted");
  CHECK_THAT(error_of(nested(33)), contains_text("nested too deeply"));
  CHECK_THAT(error_of(nested(2'000'000)), contains_text("nested too deeply"));
  CHECK_THAT(error_of(std::string(2'000'000, '{')), contains_text("not JSON"));
}

TEST_CASE("json: the number of values is bounded") {
  std::string error;
  CHECK(json::parse("[1,2]", error, {.depth_max = 32, .values_max = 3}));
  CHECK_FALSE(json::parse("[1,2,3]", error, {.depth_max = 32, .values_max = 3}));
  CHECK_THAT(error, contains_text("too many values"));
}

TEST_CASE("json: fields say which member is wrong, and how") {
  const auto value = value_of(R"({"term":"x","neg":-1,"s":1,"b":0,"a":{},"o":[],"list":[{"term":1},{},5]})");
  const auto complaint = [&value](auto read) {
    std::string error;
    json::Fields fields(value, error);
    read(fields);
    CHECK(fields.ok() == error.empty());
    return error;
  };
  CHECK(complaint([](auto& f) { (void)f.u64("index"); }) == "`index` is missing");
  CHECK(complaint([](auto& f) { (void)f.u64("term"); }) == "`term` is not a number");
  CHECK(complaint([](auto& f) { (void)f.u64("neg"); }) == "`neg` is not an integer from 0 to 2^64-1");
  CHECK(complaint([](auto& f) { (void)f.string("s"); }) == "`s` is not a string");
  CHECK(complaint([](auto& f) { (void)f.boolean("b"); }) == "`b` is not true or false");
  CHECK(complaint([](auto& f) { (void)f.array("a"); }) == "`a` is not an array");
  CHECK(complaint([](auto& f) { (void)f.object("o"); }) == "`o` is not an object");
  CHECK(complaint([](auto& f) { (void)f.object("nothing").u64("x"); }) == "`nothing` is missing");
  CHECK(complaint([](auto& f) { (void)f.element("list", f.array("list"), 1).u64("term"); }) ==
        "`list[1].term` is missing");
  CHECK(complaint([](auto& f) { (void)f.element("list", f.array("list"), 2); }) == "`list[2]` is not an object");
  CHECK(complaint([](auto& f) { CHECK(f.element("list", f.array("list"), 0).u64("term") == 1); }).empty());
  CHECK(complaint([](auto& f) { CHECK(f.u64_or("none", 7) == 7); }).empty());
  CHECK(complaint([](auto& f) { (void)f.u64_or("term", 7); }) == "`term` is not a number");
  SECTION("the first complaint stays") {
    CHECK(complaint([](auto& f) {
            (void)f.u64("index");
            (void)f.u64("term");
          }) == "`index` is missing");
  }
  SECTION("a text that is no object") {
    std::string error;
    const json::Value array = value_of("[]");
    json::Fields fields(array, error);
    CHECK(fields.u64("x") == 0);
    CHECK(error == "the JSON text is not an object");
  }
}

TEST_CASE("json: the writer gives compact and readable texts") {
  const auto write = [](json::Style style) {
    json::Writer out(style);
    out.begin_object().member("ok", true).member("n", UINT64_MAX).member("small", 7u).member("s", "a\"\n");
    out.key("list")
        .begin_array()
        .u64(1)
        .null()
        .string("x")
        .end_array()
        .key("o")
        .begin_object()
        .end_object()
        .end_object();
    return out.take();
  };
  CHECK(write(json::Style::compact) ==
        R"({"ok":true,"n":18446744073709551615,"small":7,"s":"a\"\n","list":[1,null,"x"],"o":{}})");
  CHECK(write(json::Style::pretty) == R"({
  "ok": true,
  "n": 18446744073709551615,
  "small": 7,
  "s": "a\"\n",
  "list": [
    1,
    null,
    "x"
  ],
  "o": {}
})");
}

TEST_CASE("json: the writer gives nothing rather than a broken text") {
  const auto taken = [](auto write) {
    json::Writer out;
    write(out);
    CHECK(out.ok() == false);
    return out.take();
  };
  CHECK_FALSE(taken([](auto&) {}));
  CHECK_FALSE(taken([](auto& out) { out.begin_object(); }));
  CHECK_FALSE(taken([](auto& out) { out.end_object(); }));
  CHECK_FALSE(taken([](auto& out) { out.begin_object().end_array(); }));
  CHECK_FALSE(taken([](auto& out) { out.begin_object().u64(1).end_object(); }));
  CHECK_FALSE(taken([](auto& out) { out.begin_object().key("a").end_object(); }));
  CHECK_FALSE(taken([](auto& out) { out.begin_object().key("a").key("b").u64(1).end_object(); }));
  CHECK_FALSE(taken([](auto& out) { out.begin_array().key("a").u64(1).end_array(); }));
  CHECK_FALSE(taken([](auto& out) { out.u64(1).u64(2); }));
  CHECK_FALSE(taken([](auto& out) { out.begin_object().member("s", "\xff").end_object(); }));
  CHECK_FALSE(taken([](auto& out) { out.begin_object().member("\xff", "s").end_object(); }));
}

TEST_CASE("json: any bytes travel, as text where they are text") {
  const auto round = [](std::string_view bytes) {
    json::Writer out;
    out.begin_object().bytes("command", bytes).end_object();
    const std::string text = out.take().value();
    std::string error;
    const auto value = json::parse(text, error);
    json::Fields fields(*value, error);
    CHECK(fields.bytes("command") == bytes);
    CHECK(error.empty());
    return text;
  };
  CHECK(round("set x") == R"({"command":"set x"})");
  CHECK(round(std::string_view("\0\xe2\x82\xac", 4)) == "{\"command\":\"\\u0000\xe2\x82\xac\"}");
  CHECK(round("\xff\xfe") == R"({"command":"//4=","encoding":"base64"})");

  for (const char* text : {R"({"command":"//4","encoding":"base64"})", R"({"command":"x","encoding":"hex"})",
                           R"({"command":1})", R"({})", R"({"command":"x","encoding":1})"}) {
    std::string error;
    const auto value = json::parse(text, error);
    json::Fields fields(*value, error);
    CHECK(fields.bytes("command").empty());
    CHECK_FALSE(error.empty());
  }
}

TEST_CASE("json: a string of 16 MiB is read and written") {
  std::string large(16u << 20u, 'x');
  large += '\0';
  json::Writer out;
  out.begin_array().string(large).end_array();
  const std::string text = out.take().value();
  auto value = value_of(text);
  const std::string taken = std::move(*value.array()->at(0).string());
  CHECK((taken == large));
}

TEST_CASE("json: append_string appends a whole string or nothing") {
  std::string out = "[";
  CHECK(json::append_string(out, "a\"b"));
  CHECK_FALSE(json::append_string(out, "\xff"));
  CHECK(out == R"(["a\"b")");
}
